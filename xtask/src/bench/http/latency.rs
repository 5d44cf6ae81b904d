//! How long requests take at a moderate rate, with an upgrade every second and without any.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Effort;
use crate::bench::client::{Clients, Paced};
use crate::bench::median::{Ratio, median};
use crate::bench::report::Row;
use crate::bench::server::Server;

/// From one upgrade to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many rounds are one here, so that there are upgrades in it.
const ROUNDS_IN_ONE: u8 = 5;

/// What was measured: pairs of a time without upgrades and one with them.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) rate: u64,
    /// In all times with upgrades together.
    pub(super) upgrades: usize,
    pairs: Vec<(Paced, Paced)>,
}

impl Latency {
    /// Asks at a rate, in turn without upgrades and with them.
    pub(super) fn measure(
        server: &mut Server,
        clients: Clients<'_>,
        effort: Effort,
        rate: u64,
    ) -> Result<Self> {
        let (mut pairs, mut upgrades) = (Vec::new(), 0);
        let round = effort.round * ROUNDS_IN_ONE.into();
        for _ in 0..effort.rounds.div_ceil(ROUNDS_IN_ONE.into()) {
            let calm = clients.pace(server.address()?, round, rate)?.found()?;
            let mut client = clients.pace(server.address()?, round, rate)?;
            upgrades += upgrade_for(server, round)?;
            pairs.push((calm, client.found()?));
            drop(client);
            server.await_alone()?;
        }
        Ok(Self { rate, upgrades, pairs })
    }

    /// How many times as long one request of a thousand took.
    pub(super) fn ratio(&self) -> Option<Ratio> {
        Ratio::of(self.pairs.iter().map(|(calm, with)| (with.p999_ns, calm.p999_ns)))
    }

    pub(super) fn failed(&self) -> u64 {
        self.pairs.iter().map(|(calm, with)| calm.failed + with.failed).sum()
    }

    /// Rows of a table in which the first column is without upgrades, and the last with them.
    pub(super) fn rows(&self, columns: usize) -> Vec<Row> {
        let row = |whose, of: fn(&Paced) -> u64| {
            let mut values = vec![None; columns];
            values[0] = median(self.pairs.iter().map(|(calm, _)| of(calm) / 1_000));
            values[columns - 1] = median(self.pairs.iter().map(|(_, with)| of(with) / 1_000));
            Row { name: "latency".into(), whose, unit: "µs", values }
        };
        vec![
            row("p50", |it| it.p50_ns),
            row("p99", |it| it.p99_ns),
            row("p99.9", |it| it.p999_ns),
            row("the longest", |it| it.most_ns),
        ]
    }
}

/// Upgrades every second for so long, and once at least. Returns how often.
fn upgrade_for(server: &mut Server, duration: Duration) -> Result<usize> {
    let start = Instant::now();
    let mut upgrades = 0;
    let mut due = INTERVAL.min(duration) / 2;
    while due < duration {
        thread::sleep(due.saturating_sub(start.elapsed()));
        server.upgrade()?;
        upgrades += 1;
        due += INTERVAL;
    }
    Ok(upgrades)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(p999_ns: u64) -> Paced {
        Paced { requests: 9, failed: 1, p50_ns: 1_000, p99_ns: 2_000, p999_ns, most_ns: 9_999 }
    }

    #[test]
    fn pairs_are_compared() {
        let pairs = [(5_000, 10_000), (1_000, 9_000), (6_000, 6_000)];
        let pairs = pairs.map(|(calm, with)| (paced(calm), paced(with))).to_vec();
        let latency = Latency { rate: 1, upgrades: 3, pairs };
        assert_eq!(latency.ratio().map(|ratio| ratio.middle()), Some(2.0));
        assert_eq!(latency.failed(), 6);
        let rows = latency.rows(3);
        assert_eq!(rows[2].values, [Some(5), None, Some(9)]);
        assert_eq!(rows[3].values, [Some(9), None, Some(9)]);
    }
}
