//! How long answers took. Owns the histogram and its merging; refuses to measure: `client` does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::account::micros;

/// The longest latency that is told apart; what takes longer is recorded as this.
const LONGEST_US: u64 = 3_600_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// The latencies of answers: from the first act for a request (connecting, if it had to) to the
/// last byte of its answer. Three significant digits, 1 µs to one hour.
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS);
        Self(histogram.expect("the bounds are constants that hdrhistogram accepts"))
    }

    /// How many answers there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that `percent` of the answers did not exceed; zero without answers.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }

    /// The mean of all latencies; zero without answers.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos((self.0.mean() * 1_000.0) as u64)
    }

    /// The shortest latency; zero without answers.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        Duration::from_micros(self.0.min())
    }

    /// The longest latency; zero without answers.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// Takes the latencies of another group in, so that several can be told as one.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all histograms of this crate have the same bounds");
    }
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Latency", 8)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("shortest_us", &micros::saturating(self.shortest()))?;
        fields.serialize_field("mean_us", &micros::saturating(self.mean()))?;
        fields.serialize_field("p50_us", &micros::saturating(self.percentile(50.0)))?;
        fields.serialize_field("p90_us", &micros::saturating(self.percentile(90.0)))?;
        fields.serialize_field("p99_us", &micros::saturating(self.percentile(99.0)))?;
        fields.serialize_field("p99_9_us", &micros::saturating(self.percentile(99.9)))?;
        fields.serialize_field("longest_us", &micros::saturating(self.longest()))?;
        fields.end()
    }
}

/// The latencies of a group, written by its connections as they come.
///
/// One lock for each answer holds nothing back from who looks on. What takes long is done under a
/// lock that no connection waits for.
#[derive(Debug)]
pub(crate) struct LatencyLog {
    /// Those of all intervals that were taken. Locked before `interval`.
    taken: Mutex<Latency>,
    /// Those since then.
    interval: Mutex<Latency>,
}

impl LatencyLog {
    pub(crate) fn new() -> Self {
        Self { taken: Mutex::new(Latency::new()), interval: Mutex::new(Latency::new()) }
    }

    pub(crate) fn record(&self, latency: Duration) {
        lock(&self.interval).0.saturating_record(micros::saturating(latency));
    }

    /// All latencies so far.
    pub(crate) fn latency(&self) -> Latency {
        let taken = lock(&self.taken);
        let interval = lock(&self.interval).clone();
        let mut all = taken.clone();
        all.merge(&interval);
        all
    }

    /// The latencies since this was last called, or since the start.
    pub(crate) fn take_interval(&self) -> Latency {
        let mut taken = lock(&self.taken);
        let empty = Latency::new();
        let interval = std::mem::replace(&mut *lock(&self.interval), empty);
        taken.merge(&interval);
        interval
    }
}

fn lock(latency: &Mutex<Latency>) -> MutexGuard<'_, Latency> {
    latency.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(latencies_us: impl IntoIterator<Item = u64>) -> Latency {
        let log = LatencyLog::new();
        for latency_us in latencies_us {
            log.record(Duration::from_micros(latency_us));
        }
        log.latency()
    }

    #[test]
    fn every_latency_is_there_at_once() {
        let latency = recorded(1..=1_000);
        assert_eq!(latency.count(), 1_000);
        assert_eq!(latency.shortest(), Duration::from_micros(1));
        assert_eq!(latency.percentile(50.0), Duration::from_micros(500));
        assert_eq!(latency.longest(), Duration::from_micros(1_000));
        assert_eq!(latency.mean(), Duration::from_nanos(500_500));
    }

    #[test]
    fn each_latency_is_in_one_interval_and_in_the_whole() {
        let log = LatencyLog::new();
        let bounds = |latency: Latency| (latency.count(), latency.longest().as_micros());
        assert_eq!(bounds(log.take_interval()), (0, 0));
        [10, 500].iter().for_each(|us| log.record(Duration::from_micros(*us)));
        assert_eq!(bounds(log.take_interval()), (2, 500));
        log.record(Duration::from_micros(20));
        assert_eq!(bounds(log.latency()), (3, 500), "of what was taken and what was not");
        assert_eq!(bounds(log.take_interval()), (1, 20));
        assert_eq!(bounds(log.take_interval()), (0, 0));
        assert_eq!(bounds(log.latency()), (3, 500));
    }

    #[test]
    fn merging_adds_and_json_tells_microseconds() {
        let mut latency = recorded([100]);
        latency.merge(&recorded([200, 300]));
        let json = serde_json::to_value(&latency).unwrap();
        assert_eq!(json["count"], 3);
        assert_eq!((&json["p50_us"], &json["longest_us"]), (&200.into(), &300.into()));
    }

    #[test]
    fn what_is_out_of_bounds_is_kept_at_the_bound() {
        let latency = recorded([u64::MAX]);
        assert_eq!(latency.count(), 1);
        assert!(latency.longest() >= Duration::from_micros(LONGEST_US));
    }
}
