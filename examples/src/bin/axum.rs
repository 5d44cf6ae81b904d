//! An axum server: `axum::serve` on a listener of ours, and a layer that says goodbye.

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use clap::Parser;
use rekindle_examples::{Goodbye, LONGEST_PAUSE, ServiceOptions, Site, log_to_stderr};
use serde::Deserialize;

/// An axum server that replaces itself on SIGHUP
///
/// `axum::serve` takes the listener as it is. A layer adds `Connection: close` to the answers of a
/// process that was replaced, so that kept connections come to the new one. There is nothing to
/// shut down: once the process is drained, the server's task has nothing left to do.
///
/// It answers `GET /`, `GET /slow?ms=N` and `POST /echo`.
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

#[derive(Debug, Clone)]
struct Process {
    site: Site,
    goodbye: Goodbye,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start()?;
    let listener = service.tcp("http", &listen)?;
    let running = service.ready().await?;

    let (site, goodbye) = (Site::new(running.generation()), Goodbye::default());
    site.announce(listener.address());
    let router = router(Process { site, goodbye: goodbye.clone() });
    tokio::spawn(async move { axum::serve(listener, router).await });

    goodbye.follow(&running).await;
    Ok(running.drained().await.exit_code())
}

fn router(process: Process) -> Router {
    Router::new()
        .route("/", get(who))
        .route("/slow", get(slow))
        .route("/echo", post(echo))
        .layer(map_response_with_state(process.clone(), finish))
        .with_state(process)
}

async fn who(State(process): State<Process>) -> String {
    format!("{}\n", process.site)
}

#[derive(Debug, Deserialize)]
struct Slow {
    ms: u64,
}

async fn slow(
    State(process): State<Process>,
    Query(Slow { ms }): Query<Slow>,
) -> Result<String, StatusCode> {
    let pause = Duration::from_millis(ms);
    if pause > LONGEST_PAUSE {
        return Err(StatusCode::BAD_REQUEST);
    }
    tokio::time::sleep(pause).await;
    Ok(who(State(process)).await)
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// Says who answers, and goodbye if it is due: hyper closes the connection after that answer.
async fn finish(
    State(Process { site, goodbye }): State<Process>,
    mut answer: Response,
) -> Response {
    let headers = answer.headers_mut();
    headers.insert("x-pid", site.pid().into());
    headers.insert("x-generation", site.generation().number().into());
    if goodbye.is_due() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
