//! A server on plain threads: no runtime, one thread for each connection.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use rekindle_examples::{
    Goodbye, Server, ServiceOptions, Site, log_to_stderr, positive_duration, threads,
};

/// A server on plain threads that replaces itself on SIGHUP
///
/// One thread accepts, and each connection has a thread of its own. The main thread follows what
/// the process goes through: replaced, perhaps resumed, in the end drained.
///
/// It answers `GET /`, `GET /slow?ms=N` and `POST /echo`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  echo_blocking --pid-file echo.pid &
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

fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, read_timeout, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start_blocking()?;
    let listener = service.tcp("http", &listen)?;
    let running = service.ready()?;

    let (site, goodbye) = (Site::new(running.generation()), Goodbye::default());
    site.announce(listener.address());
    let server = Server { site, goodbye: goodbye.clone(), read_timeout };
    thread::spawn(move || {
        while let Some(connection) = listener.accept() {
            threads::spawn(&server, connection);
        }
    });

    goodbye.follow_blocking(&running);
    Ok(running.drained().exit_code())
}
