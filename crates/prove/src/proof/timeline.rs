//! What was counted moment by moment: what a picture over time is drawn from.

use std::time::Duration;

use serde::Serialize;

use crate::account::tally::Tally;

/// What was counted in each interval, from the start of the load to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// How long an interval is. The last one may be cut short.
    #[serde(rename = "interval_us", serialize_with = "crate::account::micros::serialize")]
    pub interval: Duration,
    /// For each group in the order of the plan its samples, one an interval; all have equally many.
    pub groups: Vec<Vec<Sample>>,
}

/// What was counted in one interval of one group.
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
