//! How far a trial has come. Refuses to hold it up.

use std::time::Duration;

use crate::account::gap::Gap;
use crate::account::latency::Latency;
use crate::account::tally::Tally;
use crate::proof::restart_outcome::RestartOutcome;

/// How far a trial has come.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// How long the load has been going on.
    pub elapsed: Duration,
    /// The counters of all groups.
    pub tally: Tally,
    /// The groups, in the order of the plan.
    pub groups: Vec<GroupProgress>,
    /// The restarts that have begun; the last one may be under way.
    pub restarts: Vec<RestartOutcome>,
    /// How many there shall be.
    pub restarts_planned: u32,
    /// The longest time without an answer so far, the time since the last one included.
    pub longest_gap: Gap,
}

/// How far a group has come.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GroupProgress {
    /// What it is called.
    pub name: String,
    /// Its counters.
    pub tally: Tally,
    /// How long its answers took so far.
    pub latency: Latency,
}
