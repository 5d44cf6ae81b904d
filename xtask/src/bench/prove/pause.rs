//! What a client finds of a server that stands still for a moment, in an open loop and in a closed
//! one.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::ours::{Found, Ours};
use crate::bench::cores::Core;
use crate::bench::report::Row;
use crate::bench::server::{Server, Way};

/// How long the server stands still.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// How many requests a second an open loop asks: far less than can be answered.
pub(super) const RATE: u64 = 2_000;

/// How long is asked.
const DURATION: Duration = Duration::from_secs(1);

/// When the server stands still, after it is asked first.
const LEAD: Duration = Duration::from_millis(400);

/// What was found.
#[derive(Debug)]
pub(super) struct Paused {
    open: Found,
    closed: Found,
}

impl Paused {
    pub(super) fn measure(program: &Path, core: Core, ours: Ours<'_>) -> Result<Self> {
        let found = |rate| -> Result<Found> {
            let server = Server::start_http(program, Way::Hyper, core)?;
            let client = ours.start(server.address()?, DURATION, rate)?;
            thread::sleep(LEAD);
            server.newest()?.send(Signal::STOP)?;
            thread::sleep(PAUSE);
            server.newest()?.send(Signal::CONT)?;
            Found::read(&client.finish(DURATION)?.said)
        };
        Ok(Self { open: found(Some(RATE))?, closed: found(None)? })
    }

    /// What part of the pause the p99 of the open loop shows.
    #[expect(clippy::cast_precision_loss, reason = "no latency comes near 2^52 µs")]
    pub(super) fn shown(&self) -> f64 {
        self.open.p99_us as f64 / PAUSE.as_micros() as f64
    }

    pub(super) fn failed(&self) -> u64 {
        self.open.failed + self.closed.failed
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |name: &str, whose, of: fn(&Found) -> u64| {
            let values = vec![None, None, Some(of(&self.open)), Some(of(&self.closed))];
            Row { name: name.into(), whose, unit: "µs", values }
        };
        vec![
            row("a pause", "p50", |found| found.p50_us),
            row("", "p99", |found| found.p99_us),
            row("", "p99.9", |found| found.p99_9_us),
            row("", "longest", |found| found.longest_us),
        ]
    }
}
