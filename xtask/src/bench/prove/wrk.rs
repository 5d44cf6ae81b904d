//! `wrk`, the yardstick: where it is, and what it says.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::bench::cores::Core;
use crate::bench::errand::Errand;

/// Where it is, where it runs, and on how many connections it asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrk<'a> {
    pub(super) program: &'a Path,
    pub(super) core: Core,
    pub(super) connections: usize,
}

/// What it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// Requests a second.
    pub(super) rate: u64,
}

/// Finds it on `PATH`.
///
/// # Errors
///
/// If it is not there.
pub(super) fn find() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|directory| directory.join("wrk"));
    places.find(|place| place.is_file()).context(
        "find `wrk`, beside which our client is measured: install the package `wrk` \
         (`apt-get install wrk`), or put it on PATH",
    )
}

impl Wrk<'_> {
    /// Begins to ask for so many seconds, as often as it is answered.
    pub(super) fn start(self, address: SocketAddr, seconds: u64) -> Result<Errand> {
        let mut command = Command::new(self.program);
        command.args(["--threads", "1", "--connections", &self.connections.to_string()]);
        command.args(["--duration", &format!("{seconds}s"), &format!("http://{address}/")]);
        Errand::start(&mut command, self.core)
    }
}

impl Found {
    pub(super) fn read(said: &str) -> Result<Self> {
        let of = || format!("understand `{said}`, which wrk says");
        let lines = || said.lines().map(str::trim);
        let mut counts = lines().filter_map(|line| line.split_once(" requests in "));
        let requests = counts.next().and_then(|(count, _)| count.parse().ok());
        let rate = lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        let rate: Option<f64> = rate.and_then(|rate| rate.trim().parse().ok());
        // Only said where there are any.
        let errors = lines().find_map(|line| line.strip_prefix("Socket errors: "));
        let errors = errors.into_iter().flat_map(|errors| errors.split(", "));
        let errors = errors.filter_map(|error| error.rsplit(' ').next()?.parse::<u64>().ok());
        let wrong = lines().find_map(|line| line.strip_prefix("Non-2xx or 3xx responses: "));
        let wrong = wrong.and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        Ok(Self {
            requests: requests.with_context(of)?,
            failed: errors.sum::<u64>() + wrong,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
            rate: rate.with_context(of)? as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   659.43us  113.20us   5.35ms   93.61%
    Req/Sec    97.32k     3.47k  101.83k    90.00%
  96837 requests in 1.00s, 12.93MB read
";

    #[test]
    fn what_it_says_is_understood() {
        let said = format!("{SAID}Requests/sec:  96776.58\nTransfer/sec:     12.92MB\n");
        let found = Found { requests: 96_837, failed: 0, rate: 96_776 };
        assert_eq!(Found::read(&said).unwrap(), found);
        let errors = "  Socket errors: connect 1, read 20, write 300, timeout 4000\n";
        let wrong = "  Non-2xx or 3xx responses: 50000\n";
        let said = format!("{SAID}{errors}{wrong}Requests/sec:  96776.58\n");
        assert_eq!(Found::read(&said).unwrap(), Found { failed: 54_321, ..found });
        assert!(Found::read("unable to connect").is_err());
    }
}
