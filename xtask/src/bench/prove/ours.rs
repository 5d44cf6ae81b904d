//! Our strict client, as a program of its own, and what it finds.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::bench::cores::Core;
use crate::bench::errand::Errand;

/// Where it is, where it runs, and on how many connections it asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    pub(super) program: &'a Path,
    pub(super) core: Core,
    pub(super) connections: usize,
}

/// What it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Found {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) took_ns: u64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p99_9_us: u64,
    pub(super) longest_us: u64,
}

impl Ours<'_> {
    /// Begins to ask for so long: as often as it is answered, or so often a second.
    pub(super) fn start(
        self,
        address: SocketAddr,
        duration: Duration,
        rate: Option<u64>,
    ) -> Result<Errand> {
        let mut command = Command::new(self.program);
        command.arg(address.to_string()).arg(self.connections.to_string());
        command.arg(duration.as_millis().to_string());
        command.args(rate.map(|rate| rate.to_string()));
        Errand::start(&mut command, self.core)
    }
}

impl Found {
    pub(super) fn read(said: &str) -> Result<Self> {
        serde_json::from_str(said)
            .with_context(|| format!("understand `{said}`, which the client says"))
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> Result<u64> {
        let per_second = u128::from(self.requests) * 1_000_000_000;
        let rate = per_second.checked_div(self.took_ns.into()).context("measure a rate")?;
        Ok(u64::try_from(rate)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_understood() {
        let said = r#"{"requests":10,"failed":1,"took_ns":500000000,"p50_us":1,"p99_us":2,
            "p99_9_us":3,"longest_us":4}"#;
        let found = Found::read(said).unwrap();
        assert_eq!((found.failed, found.longest_us, found.rate().unwrap()), (1, 4, 20));
        let error = Found::read("panicked").unwrap_err().to_string();
        assert!(error.contains("`panicked`"), "{error}");
    }
}
