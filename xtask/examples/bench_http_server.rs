//! The server of the HTTP benches: one application, served in one of several ways.
//!
//! `bench_http_server DIRECTORY WAY` keeps its pid file and its control socket in the directory,
//! listens on a port of the loopback, and answers every request with `pid N generation G`. The way
//! is `rekindle`, and then it is upgraded by `SIGHUP`; or, as one would write it who does not think
//! of upgrades, `axum` for `axum::serve` or `hyper` for hyper alone. What it says on its standard
//! output is as with `bench_server`.

#[path = "common/say.rs"]
mod say;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rekindle::Service;
use tokio::net::TcpListener;

use self::say::say;

/// Short, as what is measured is a process that serves alone, its predecessor long gone.
const PROBATION: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    say("main", "");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, way]: [String; 2] =
        arguments.try_into().ok().context("usage: DIRECTORY WAY")?;
    let runtime = tokio::runtime::Runtime::new()?;
    // In a task, whatever the way: one that accepts in the main thread is a thread more. That costs
    // switches where the core is its own, and wins a larger share of it where it is not.
    runtime.block_on(async { tokio::spawn(serve(directory, way)).await? })
}

async fn serve(directory: String, way: String) -> Result<()> {
    say("runtime", "");
    match way.as_str() {
        "rekindle" => serve_by_rekindle(Path::new(&directory)).await,
        "axum" => serve_by_axum().await,
        "hyper" => serve_by_hyper().await,
        _ => bail!("serve by `{way}`: by `rekindle`, `axum` or `hyper`"),
    }
}

/// The application, the same in all ways. `axum::serve` gives the routes their state once, and
/// axum's documentation of `with_state` tells everybody else to do so: they would make each of
/// them anew for every request.
fn application(generation: u64) -> Router {
    let body = format!("pid {} generation {generation}\n", std::process::id());
    Router::new().route("/", get(async move || body.clone())).with_state(())
}

async fn serve_by_rekindle(directory: &Path) -> Result<()> {
    let mut service = Service::builder()
        .pid_file(directory.join("pid"))
        .control(directory.join("control"))
        .probation(PROBATION)
        .before_spawn(|| {
            say("spawning", "");
            Ok::<(), Infallible>(())
        })
        .start()?;
    say("offered", "");
    let listener = service.tcp("http", "127.0.0.1:0")?;
    let address = listener.local_addr().context("learn the address")?;
    service.serve(listener, application(service.generation().number()));
    say("claimed", "");
    let running = service.ready().await?;
    say("serving", &address.to_string());
    running.drained().await;
    Ok(())
}

async fn serve_by_axum() -> Result<()> {
    let listener = bind().await?;
    say("serving", &listener.local_addr()?.to_string());
    axum::serve(listener, application(1)).await.context("serve")
}

async fn serve_by_hyper() -> Result<()> {
    let listener = bind().await?;
    say("serving", &listener.local_addr()?.to_string());
    let application = application(1);
    loop {
        let (stream, _) = listener.accept().await.context("accept")?;
        let service = TowerToHyperService::new(application.clone());
        tokio::spawn(async move {
            // A client that goes away is its own affair: whoever measures sees what it got.
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn bind() -> Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("listen")
}
