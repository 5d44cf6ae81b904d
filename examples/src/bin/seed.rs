//! The demonstration that this project grew from: a server on port 8888 with a read timeout of
//! six seconds, which says who it is and replaces itself on `SIGHUP`.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use rekindle::{Signal, SignalAction};
use rekindle_examples::{
    Goodbye, Server, ServiceOptions, Site, log_to_stderr, positive_duration, threads,
};

/// A server that replaces itself on SIGHUP, and no client notices
///
/// On SIGHUP it starts its program again and hands it the listening socket. The new process begins
/// to accept once it is ready; the old one answers what it has, says `Connection: close` on it, and
/// goes. SIGTSTP makes the process finish what it has and go, without a successor; so do SIGTERM
/// and SIGINT (Ctrl-C). It ends with status 0, or with 3 if something had to be cut.
///
/// It answers `GET /`, `GET /slow?ms=N` and `POST /echo`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  seed --pid-file seed.pid &
  curl 127.0.0.1:8888; kill -HUP $(cat seed.pid); sleep 1; curl 127.0.0.1:8888"
)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8888")]
    listen: String,

    /// How long a client may be silent, within a request or between two, before it is left
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = positive_duration)]
    read_timeout: Duration,

    #[command(flatten)]
    service: ServiceOptions,
}

fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, read_timeout, service } = Options::parse();
    log_to_stderr();
    let mut service =
        service.builder().signal(Signal::Tstp, SignalAction::Stop).start_blocking()?;
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
