//! A server on tokio: one task for each connection.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rekindle_examples::{
    Goodbye, Server, ServiceOptions, Site, log_to_stderr, positive_duration, tasks,
};

/// A server on tokio that replaces itself on SIGHUP
///
/// One task accepts, and each connection has a task of its own. The main task follows what the
/// process goes through: replaced, perhaps resumed, in the end drained.
///
/// It answers `GET /`, `GET /slow?ms=N` and `POST /echo`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  echo_tokio --pid-file echo.pid &
  curl 127.0.0.1:8080; kill -HUP $(cat echo.pid); sleep 1; curl 127.0.0.1:8080"
)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,

    /// How long a client may be silent, within a request or between two, before it is left
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = positive_duration)]
    read_timeout: Duration,

    #[command(flatten)]
    service: ServiceOptions,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, read_timeout, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start()?;
    let listener = service.tcp("http", &listen)?;
    let running = service.ready().await?;

    let (site, goodbye) = (Site::new(running.generation()), Goodbye::default());
    site.announce(listener.address());
    let server = Server { site, goodbye: goodbye.clone(), read_timeout };
    tokio::spawn(async move {
        while let Some(connection) = listener.accept().await {
            tasks::spawn(&server, connection);
        }
    });

    goodbye.follow(&running).await;
    Ok(running.drained().await.exit_code())
}
