//! A gRPC server on tonic: its service is served as any other one is.

use std::process::ExitCode;

use clap::Parser;
use rekindle_examples::counter::CounterServer;
use rekindle_examples::{ServiceOptions, Site, log_to_stderr};
use tonic::service::Routes;

/// A gRPC server that replaces itself on SIGHUP
///
/// What tonic's generator makes of a service goes to `serve` as it is. An HTTP/2 connection cannot
/// move: the old process says GOAWAY, which is how HTTP/2 asks a client to open another one, and
/// finishes the streams that it has. New calls are answered by the new process.
///
/// It answers `Who`, and `Count` with a stream, of the service `rekindle.example.Counter`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  grpc --pid-file grpc.pid &
  P='-plaintext -import-path . -proto counter.proto -d {\"to\":9,\"pauseMs\":500}'
  grpcurl $P 127.0.0.1:8080 rekindle.example.Counter/Count &
  sleep 1; kill -HUP $(cat grpc.pid)"
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
    let listener = service.tcp("grpc", &listen)?;
    let address = listener.address();
    let site = Site::new(service.generation());
    service.serve(listener, Routes::new(CounterServer::new(site)));
    let running = service.ready().await?;

    site.announce(address);
    Ok(running.drained().await.exit_code())
}
