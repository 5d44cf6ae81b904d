//! An axum server: its router goes to `serve` as it is.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use axum::{Extension, Router};
use clap::Parser;
use futures_util::stream::{Stream, StreamExt, unfold};
use rekindle::http::ConnectionInfo;
use rekindle_examples::{LONGEST_PAUSE, ServiceOptions, Site, log_to_stderr};
use serde::Deserialize;
use tokio::time::sleep;

/// The time between two events.
const TICK: Duration = Duration::from_millis(100);

/// An axum server that replaces itself on SIGHUP
///
/// Kept connections move to the new process between two requests, and their clients see nothing of
/// it. A stream of events never ends of itself, so it is told when the process is replaced, and
/// ends then: a browser asks for the rest at once, which the new process sends.
///
/// It answers `GET /`, `GET /slow?ms=N`, `POST /echo` and `GET /events`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  axum --pid-file axum.pid &
  curl 127.0.0.1:8080; kill -HUP $(cat axum.pid); sleep 1; curl 127.0.0.1:8080"
)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,

    #[command(flatten)]
    service: ServiceOptions,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start()?;
    let listener = service.tcp("http", &listen)?;
    let address = listener.address();
    let site = Site::new(service.generation());
    service.serve(listener, router(site));
    let running = service.ready().await?;

    site.announce(address);
    Ok(running.drained().await.exit_code())
}

fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(who))
        .route("/slow", get(slow))
        .route("/echo", post(echo))
        .route("/events", get(events))
        .layer(map_response_with_state(site, sign))
        .with_state(site)
}

async fn who(State(site): State<Site>) -> String {
    format!("{site}\n")
}

#[derive(Debug, Deserialize)]
struct Slow {
    ms: u64,
}

async fn slow(
    State(site): State<Site>,
    Query(Slow { ms }): Query<Slow>,
) -> Result<String, StatusCode> {
    let pause = Duration::from_millis(ms);
    if pause > LONGEST_PAUSE {
        return Err(StatusCode::BAD_REQUEST);
    }
    sleep(pause).await;
    Ok(who(State(site)).await)
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// Events with numbers, from where the client was on.
async fn events(
    State(site): State<Site>,
    Extension(connection): Extension<ConnectionInfo>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok()?.parse().ok());
    let events = unfold(last.unwrap_or(0u64), move |last| async move {
        sleep(TICK).await;
        let number = last.wrapping_add(1);
        let event = Event::default().id(number.to_string()).data(site.to_string());
        Some((Ok(event), number))
    });
    Sse::new(events.take_until(async move { connection.draining().await }))
}

/// Says who answers.
async fn sign(State(site): State<Site>, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert("x-pid", site.pid().into());
    headers.insert("x-generation", site.generation().number().into());
    answer
}
