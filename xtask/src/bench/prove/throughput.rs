//! Requests a second, and the processor time of one, of two clients that ask in turn.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Effort;
use super::ours::{self, Ours};
use super::wrk::{self, Wrk};
use crate::bench::cores::Core;
use crate::bench::median::{Ratio, median};
use crate::bench::report::Row;
use crate::bench::server::{Server, Way};

/// How long a server is asked before it counts: by our client, whoever comes next.
const WARM_UP: Duration = Duration::from_millis(200);

/// What was measured: our client and wrk in each round.
#[derive(Debug)]
pub(super) struct Throughput {
    rounds: Vec<[Sample; 2]>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    rate: u64,
    /// The client's processor time of one request.
    cpu_ns: u64,
    /// The server's.
    server_ns: u64,
    failed: u64,
}

/// What a client found, whichever it is.
#[derive(Debug, Clone, Copy)]
struct Asked {
    rate: u64,
    requests: u64,
    failed: u64,
    cpu_ns: u64,
}

impl Throughput {
    pub(super) fn measure(
        program: &Path,
        core: Core,
        ours: Ours<'_>,
        wrk: Wrk<'_>,
        effort: Effort,
    ) -> Result<Self> {
        let sample = |is_ours: bool| -> Result<Sample> {
            let server = Server::start_http(program, Way::Hyper, core)?;
            let address = server.address()?;
            ours.start(address, WARM_UP, None)?.finish(WARM_UP)?;
            let before_ns = server.newest()?.cpu_ns()?;
            let asked = if is_ours {
                let done = ours.start(address, effort.round(), None)?.finish(effort.round())?;
                let found = ours::Found::read(&done.said)?;
                let (rate, cpu_ns) = (found.rate()?, done.cpu_ns);
                Asked { rate, requests: found.requests, failed: found.failed, cpu_ns }
            } else {
                let done = wrk.start(address, effort.round_s)?.finish(effort.round())?;
                let wrk::Found { requests, failed, rate } = wrk::Found::read(&done.said)?;
                Asked { rate, requests, failed, cpu_ns: done.cpu_ns }
            };
            let server_ns = server.newest()?.cpu_ns()?.saturating_sub(before_ns);
            let of_each = |ns: u64| ns.checked_div(asked.requests).unwrap_or_default();
            Ok(Sample {
                rate: asked.rate,
                cpu_ns: of_each(asked.cpu_ns),
                server_ns: of_each(server_ns),
                failed: asked.failed,
            })
        };
        let round = |index: usize| -> Result<_> {
            // Who comes first has no advantage of it.
            if index.is_multiple_of(2) {
                let ours = sample(true)?;
                return Ok([ours, sample(false)?]);
            }
            let wrk = sample(false)?;
            Ok([sample(true)?, wrk])
        };
        Ok(Self { rounds: (0..effort.rounds).map(round).collect::<Result<_>>()? })
    }

    /// What part of wrk's requests a second our client makes, in each round.
    pub(super) fn share(&self) -> Option<Ratio> {
        Ratio::of(self.rounds.iter().map(|[ours, wrk]| (ours.rate, wrk.rate)))
    }

    pub(super) fn failed(&self) -> u64 {
        self.rounds.iter().flatten().map(|sample| sample.failed).sum()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |name: &str, whose, unit, of: fn(&Sample) -> u64| {
            let middle = |place: usize| median(self.rounds.iter().map(|round| of(&round[place])));
            Row { name: name.into(), whose, unit, values: vec![middle(0), middle(1), None, None] }
        };
        vec![
            row("kept connections", "requests", "/s", |sample| sample.rate),
            row("", "client's CPU of each", "ns", |sample| sample.cpu_ns),
            row("", "server's CPU of each", "ns", |sample| sample.server_ns),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_is_a_pair_and_rows_are_medians() {
        let sample = |rate| Sample { rate, cpu_ns: rate * 2, server_ns: rate * 3, failed: 1 };
        let rounds = [[80, 100], [9, 10], [700, 1_000]].map(|pair| pair.map(sample)).to_vec();
        let throughput = Throughput { rounds };
        assert_eq!(throughput.share().map(|share| share.middle()), Some(0.8));
        let values: Vec<_> = throughput.rows().into_iter().map(|row| row.values).collect();
        assert_eq!(values[0], [Some(80), Some(100), None, None]);
        assert_eq!(values[1], [Some(160), Some(200), None, None]);
        assert_eq!(values[2], [Some(240), Some(300), None, None]);
        assert_eq!(throughput.failed(), 6);
        assert!(Throughput { rounds: Vec::new() }.share().is_none());
    }
}
