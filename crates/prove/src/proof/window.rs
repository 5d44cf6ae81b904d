//! The account of one restart: what was counted from it to the next. Refuses to count.

use std::time::Duration;

use serde::Serialize;

use crate::account::tally::Tally;

/// What was counted between two restarts. What was under way when a restart began is counted where
/// it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Window {
    /// The restart that it begins with, from 1; 0 for the time before the first.
    pub restart: u32,
    /// When it began, since the start of the load.
    #[serde(rename = "from_us", serialize_with = "crate::account::micros::serialize")]
    pub from: Duration,
    /// When it ended.
    #[serde(rename = "until_us", serialize_with = "crate::account::micros::serialize")]
    pub until: Duration,
    /// The counters of all groups.
    pub tally: Tally,
    /// The counters of each group, in the order of the plan.
    pub groups: Vec<Tally>,
}
