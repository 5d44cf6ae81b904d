//! HTTP over TLS through upgrades, with real processes. A connection over TLS does not move: it
//! is told goodbye, and a client that comes again resumes its session.

mod certificates;
mod kept;
mod sessions;

use std::net::SocketAddr;
use std::time::Duration;

use rekindle_e2e::{Certificate, Face, Launch, Programs, Server, Settings};

/// The binaries that these tests were built with.
const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_tls_server"),
    impostor: env!("CARGO_BIN_EXE_impostor"),
    ask: env!("CARGO_BIN_EXE_ask"),
};

/// A server with this certificate and these settings, which serves.
fn server(certificate: &Certificate, settings: Settings) -> (Server, SocketAddr) {
    let launch = Launch::new(PROGRAMS, &settings);
    certificate.install(launch.installation().directory());
    let server = launch.start();
    let address = server.socket_address("http");
    (server, address)
}

/// One listener, over TLS, and old processes that soon leave.
fn settings() -> Settings {
    Settings { probation: Duration::from_millis(100), ..Settings::new(Face::Tokio) }
}
