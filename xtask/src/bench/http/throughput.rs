//! Requests a second, and the processor time of one, of servers that are asked in turn.
//!
//! A process is quicker or slower than another of the same program by some parts in a hundred, for
//! as long as it lives: with where its memory happens to be. So each sample has a process of its
//! own.

use std::path::Path;

use anyhow::Result;

use super::Effort;
use crate::bench::client::{Clients, Mode};
use crate::bench::cores::Core;
use crate::bench::median::{Ratio, median};
use crate::bench::report::Row;
use crate::bench::server::{Server, Way};

/// Those who are compared, with the second. Goals are of the first.
const WAYS: [Way; 3] = [Way::Rekindle, Way::Axum, Way::Hyper];

/// What part of a round's time each server is asked before it counts.
const WARM_UP_DIVISOR: u32 = 5;

/// What was measured.
#[derive(Debug)]
pub(super) struct Throughput {
    rounds: Vec<Round>,
}

/// One mode, all servers.
#[derive(Debug)]
struct Round {
    mode: Mode,
    /// One of each way.
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    rate: u64,
    /// The server's processor time of one request.
    cpu_ns: u64,
    failed: u64,
}

impl Throughput {
    pub(super) fn measure(
        program: &Path,
        core: Core,
        clients: Clients<'_>,
        effort: Effort,
    ) -> Result<Self> {
        let sample = |way: &Way, mode| {
            let server = Server::start_http(program, *way, core)?;
            clients.saturate(mode, server.address()?, effort.round / WARM_UP_DIVISOR)?;
            let before_ns = server.newest()?.cpu_ns()?;
            let found = clients.saturate(mode, server.address()?, effort.round)?;
            let cpu_ns = server.newest()?.cpu_ns()?.saturating_sub(before_ns);
            let cpu_ns = cpu_ns.checked_div(found.requests).unwrap_or_default();
            Ok(Sample { rate: found.rate()?, cpu_ns, failed: found.failed })
        };
        let mut rounds = Vec::new();
        for index in 0..effort.rounds {
            for mode in [Mode::Kept, Mode::New] {
                let samples: Result<Vec<_>> = match index % 2 {
                    0 => WAYS.iter().map(|way| sample(way, mode)).collect(),
                    // The other way round: who comes first has no advantage of it.
                    _ => WAYS.iter().rev().map(|way| sample(way, mode)).collect(),
                };
                let mut samples = samples?;
                if index % 2 == 1 {
                    samples.reverse();
                }
                rounds.push(Round { mode, samples });
            }
        }
        Ok(Self { rounds })
    }

    /// The requests a second of one server in each round.
    pub(super) fn rates(&self, mode: Mode, way: usize) -> impl Iterator<Item = u64> {
        self.of(mode).map(move |round| round.samples[way].rate)
    }

    /// What part of the second's requests a second the first has, in each round.
    pub(super) fn share(&self, mode: Mode) -> Option<Ratio> {
        self.beside(mode, 0, |sample| sample.rate)
    }

    /// What part of the second's a way has of something, in each round.
    fn beside(&self, mode: Mode, way: usize, of: fn(&Sample) -> u64) -> Option<Ratio> {
        let pair = |round: &Round| (of(&round.samples[way]), of(&round.samples[1]));
        Ratio::of(self.of(mode).map(pair))
    }

    pub(super) fn failed(&self) -> u64 {
        self.rounds.iter().flat_map(|round| &round.samples).map(|sample| sample.failed).sum()
    }

    pub(super) fn columns(&self) -> Vec<String> {
        WAYS.iter().map(|way| way.name().into()).collect()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |name: &str, whose, unit, value: &dyn Fn(usize) -> Option<u64>| {
            // No value of a column that is another's.
            let values = (0..WAYS.len()).map(value).chain([None]).collect();
            Row { name: name.into(), whose, unit, values }
        };
        let pair = |name: &str, mode, whose, unit, of: fn(&Sample) -> u64| {
            let middle = |way| median(self.of(mode).map(|round: &Round| of(&round.samples[way])));
            let beside = |way| self.beside(mode, way, of).map(|ratio| ratio.per_mille());
            [row(name, whose, unit, &middle), row("", "of axum's", "‰", &beside)]
        };
        let rows = |name: &str, mode| {
            let rate = pair(name, mode, "requests", "/s", |sample| sample.rate);
            let cpu = pair("", mode, "CPU of each", "ns", |sample| sample.cpu_ns);
            [rate, cpu].concat()
        };
        [rows("kept connections", Mode::Kept), rows("new connections", Mode::New)].concat()
    }

    fn of(&self, mode: Mode) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(move |round| round.mode == mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(mode: Mode, rates: [u64; 3]) -> Round {
        let sample = |rate| Sample { rate, cpu_ns: rate / 10, failed: 1 };
        Round { mode, samples: rates.map(sample).to_vec() }
    }

    fn throughput() -> Throughput {
        Throughput {
            rounds: vec![
                round(Mode::Kept, [90, 100, 50]),
                round(Mode::Kept, [980, 1_000, 50]),
                round(Mode::Kept, [30, 10, 50]),
                round(Mode::New, [7, 8, 9]),
            ],
        }
    }

    #[test]
    fn each_round_is_a_pair() {
        let share = |mode| throughput().share(mode).map(|ratio| ratio.middle());
        assert_eq!(share(Mode::Kept), Some(0.98));
        assert_eq!(share(Mode::New), Some(0.875));
        assert!(Throughput { rounds: Vec::new() }.share(Mode::New).is_none());
    }

    #[test]
    fn rows_are_medians_and_failures_are_counted() {
        let rows = throughput().rows();
        assert_eq!(rows[0].values, [Some(90), Some(100), Some(50), None]);
        assert_eq!(rows[1].values, [Some(980), Some(1000), Some(500), None], "of each round");
        assert_eq!(rows[2].values, [Some(9), Some(10), Some(5), None]);
        assert_eq!(rows[4].values, [Some(7), Some(8), Some(9), None]);
        assert_eq!(throughput().failed(), 12);
    }
}
