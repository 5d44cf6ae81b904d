//! What was counted moment by moment: what a picture over time is drawn from.

use std::time::Duration;

use serde::Serialize;

use crate::account::latency::Latency;
use crate::account::tally::Tally;

/// How many samples of a group are kept, at most. When there are so many, each two are joined.
pub(crate) const MOST_SAMPLES: usize = 1_200;

/// What was counted in each interval, from the start of the load to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// How long an interval is; the last one is mostly cut short. It is 100 ms at first. When there
    /// are 1,200 of them each two are joined, and those to come are twice as long.
    #[serde(rename = "interval_us", serialize_with = "crate::account::micros::serialize")]
    pub interval: Duration,
    /// For each group in the order of the plan its samples, one an interval; all have equally many.
    pub groups: Vec<Vec<Sample>>,
}

/// What was counted in one interval of one group.
///
/// Of joined intervals each percentile is the higher one: it may be higher than that of all their
/// answers together, never lower.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// What its counters rose by.
    pub tally: Tally,
    /// The latency that half of the answers did not exceed; zero without answers, as all of these.
    #[serde(rename = "p50_us", serialize_with = "crate::account::micros::serialize")]
    pub p50: Duration,
    /// What 99 of 100 did not exceed.
    #[serde(rename = "p99_us", serialize_with = "crate::account::micros::serialize")]
    pub p99: Duration,
    /// What 999 of 1,000 did not exceed.
    #[serde(rename = "p99_9_us", serialize_with = "crate::account::micros::serialize")]
    pub p99_9: Duration,
    /// The longest.
    #[serde(rename = "longest_us", serialize_with = "crate::account::micros::serialize")]
    pub longest: Duration,
}

impl Timeline {
    /// One without samples, for so many groups.
    pub(crate) fn new(interval: Duration, groups: usize) -> Self {
        Self { interval, groups: vec![Vec::new(); groups] }
    }

    /// When the interval of the next samples ends.
    pub(crate) fn next_end(&self) -> Duration {
        let next = self.groups.first().map_or(0, Vec::len) + 1;
        self.interval * u32::try_from(next).unwrap_or(u32::MAX)
    }

    /// Adds a sample for each group, taken now: they are those of the interval that ends now. If the
    /// taker was held up and intervals before were missed, those are empty.
    pub(crate) fn add(&mut self, samples: Vec<Sample>, now: Duration) {
        while self.next_end() + self.interval <= now {
            self.push(vec![Sample::default(); self.groups.len()]);
        }
        self.push(samples);
    }

    fn push(&mut self, samples: Vec<Sample>) {
        if self.groups.first().is_some_and(|group| group.len() >= MOST_SAMPLES) {
            self.interval *= 2;
            self.groups.iter_mut().for_each(join_pairs);
        }
        for (group, sample) in self.groups.iter_mut().zip(samples) {
            group.push(sample);
        }
    }
}

fn join_pairs(samples: &mut Vec<Sample>) {
    let joined = samples.chunks(2).map(|pair| match pair {
        [one, other] => one.joined(other),
        rest => rest[0],
    });
    *samples = joined.collect();
}

impl Sample {
    pub(crate) fn new(tally: Tally, latency: &Latency) -> Self {
        Self {
            tally,
            p50: latency.percentile(50.0),
            p99: latency.percentile(99.0),
            p99_9: latency.percentile(99.9),
            longest: latency.longest(),
        }
    }

    fn joined(&self, other: &Self) -> Self {
        let mut tally = self.tally;
        tally += other.tally;
        Self {
            tally,
            p50: self.p50.max(other.p50),
            p99: self.p99.max(other.p99),
            p99_9: self.p99_9.max(other.p99_9),
            longest: self.longest.max(other.longest),
        }
    }
}
