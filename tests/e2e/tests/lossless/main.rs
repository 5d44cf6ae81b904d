//! What the library promises of connections that it serves HTTP on: kept ones move to the next
//! version, nothing that is under way is lost, and those that cannot move are told goodbye.
//!
//! Tests that are a row in the table of scenarios are named after it. They are a binary of their
//! own since some of them use the whole machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod crowds;
mod half_requests;
mod http2;
mod kept_connections;
mod long_answers;
mod other_clients;
mod stops;
mod successors;

use std::time::Duration;

use rekindle_e2e::{Face, Programs, Server, Settings, eventually};

/// The binaries that these tests were built with.
const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_server"),
    impostor: env!("CARGO_BIN_EXE_impostor"),
    ask: env!("CARGO_BIN_EXE_ask"),
};

/// How much later than its deadline something may happen on a busy machine.
const TOLERANCE: Duration = Duration::from_millis(500);

/// A server that the library serves, which serves.
fn server(settings: &Settings) -> Server {
    Server::new(PROGRAMS, settings)
}

/// The settings of such a server.
fn settings() -> Settings {
    Settings::new(Face::Serve)
}

/// Restarts it so often, with a pause of 100 to 200 ms before each.
fn restart(server: &Server, restarts: u64) {
    for _ in 0..restarts {
        // The scenario: a restart every 100 to 200 ms.
        std::thread::sleep(Duration::from_millis(fastrand::u64(100..200)));
        server.upgrade().committed();
    }
}

/// Waits until so many connections have moved to the process that serves now.
fn moved_in(server: &Server, connections: u64) {
    eventually("the connections have moved", || {
        (server.status().moved_in >= connections).then_some(())
    });
}
