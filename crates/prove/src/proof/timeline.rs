//! What was counted moment by moment: what a picture over time is drawn from.

use std::time::Duration;

use serde::Serialize;

use crate::account::latency::Latency;
use crate::account::tally::Tally;

/// When there are so many samples of a group, each two are joined.
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

    /// Adds a sample for each group, taken now: they are those of the interval that ends now. If
    /// the taker was held up and intervals before were missed, those are empty.
    pub(crate) fn add(&mut self, samples: Vec<Sample>, now: Duration) {
        while now >= self.next_end() + self.interval {
            self.push(vec![Sample::default(); self.groups.len()]);
        }
        self.push(samples);
    }

    fn push(&mut self, samples: Vec<Sample>) {
        for (group, sample) in self.groups.iter_mut().zip(samples) {
            group.push(sample);
        }
        // At once, so that the next one is taken when its interval, the longer one, has ended.
        if self.groups.first().is_some_and(|group| group.len() >= MOST_SAMPLES) {
            self.interval *= 2;
            self.groups.iter_mut().for_each(join_pairs);
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

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    /// So many answers, and this long for the longest.
    fn sample(answered: u64, ms: u64) -> Sample {
        let tally = Tally { started: answered, answered, ..Tally::default() };
        let time = Duration::from_millis(ms);
        Sample { tally, p50: time / 4, p99: time / 3, p99_9: time / 2, longest: time }
    }

    fn counts(timeline: &Timeline) -> Vec<u64> {
        timeline.groups[0].iter().map(|sample| sample.tally.answered).collect()
    }

    #[test]
    fn when_there_are_many_each_two_are_joined_and_the_rest_are_as_long() {
        let mut timeline = Timeline::new(INTERVAL, 2);
        for number in 0..MOST_SAMPLES as u64 {
            let now = timeline.next_end();
            timeline.add(vec![sample(number, number), sample(1, 7)], now);
        }
        assert_eq!(timeline.groups[0].len(), MOST_SAMPLES / 2);
        // The first of the longer intervals is as long as all that follow: what is counted in it
        // is no dip beside them.
        assert_eq!(timeline.next_end(), INTERVAL * (MOST_SAMPLES as u32 + 2));
        timeline.add(vec![sample(5_000, 9), sample(1, 8)], timeline.next_end());
        assert_eq!(timeline.interval, 2 * INTERVAL);
        assert_eq!(
            timeline.groups.iter().map(Vec::len).collect::<Vec<_>>(),
            [MOST_SAMPLES / 2 + 1; 2]
        );
        assert_eq!(timeline.groups[0][3], Sample { tally: sample(13, 0).tally, ..sample(0, 7) });
        assert_eq!(timeline.groups[0][MOST_SAMPLES / 2], sample(5_000, 9));
        let all: u64 = counts(&timeline).iter().sum();
        assert_eq!(all, (0..MOST_SAMPLES as u64).sum::<u64>() + 5_000);
        assert_eq!(timeline.next_end(), 2 * INTERVAL * (MOST_SAMPLES as u32 / 2 + 2));
    }

    #[test]
    fn joined_percentiles_are_the_higher_ones_each() {
        let [mut one, mut other] = [sample(1, 100), sample(2, 10)];
        one.p50 = Duration::from_millis(1);
        other.p99_9 = Duration::from_millis(60);
        let joined = one.joined(&other);
        assert_eq!(joined.tally, sample(3, 0).tally);
        assert_eq!((joined.p50, joined.p99), (other.p50, one.p99));
        assert_eq!((joined.p99_9, joined.longest), (other.p99_9, one.longest));
    }

    #[test]
    fn intervals_that_were_missed_are_empty_and_what_came_stands_in_the_last() {
        let mut timeline = Timeline::new(INTERVAL, 1);
        timeline.add(vec![sample(1, 1)], INTERVAL);
        timeline.add(vec![sample(2, 1)], 2 * INTERVAL + INTERVAL / 2);
        // Due at 300 ms, and taken at 610 ms.
        timeline.add(vec![sample(9, 1)], 6 * INTERVAL + INTERVAL / 10);
        assert_eq!(counts(&timeline), [1, 2, 0, 0, 0, 9]);
        // The last one of all comes before its interval is over.
        timeline.add(vec![sample(4, 1)], 6 * INTERVAL + INTERVAL / 5);
        assert_eq!(counts(&timeline), [1, 2, 0, 0, 0, 9, 4]);
    }
}
