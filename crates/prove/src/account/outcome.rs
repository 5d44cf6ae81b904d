//! What a load found. Owns the sum of all accounts and its balance; refuses to judge or to print.

use std::time::Duration;

use serde::Serialize;

use crate::account::failure::Failure;
use crate::account::gap::Gap;
use crate::account::generation::GenerationOutcome;
use crate::account::latency::Latency;
use crate::account::tally::Tally;
use crate::group::Mode;

/// All that the clients of a load saw, from its start to its end.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// How long it took, the last requests under way included.
    #[serde(rename = "elapsed_us", serialize_with = "crate::account::micros::serialize")]
    pub elapsed: Duration,
    /// How long requests were started: what came after that were answers to those under way.
    #[serde(rename = "asked_us", serialize_with = "crate::account::micros::serialize")]
    pub asked: Duration,
    /// [`Tally::noticed`] of all groups: 0 is what a restart should leave.
    pub noticed: u64,
    /// The counters of all groups.
    pub tally: Tally,
    /// The longest time without an answer on any connection, from the start of the load until
    /// nothing more was asked.
    pub longest_gap: Gap,
    /// The groups, in the order of the plan.
    pub groups: Vec<GroupOutcome>,
    /// Which process answered, by generation and pid: the first 4,096. Answers that named none are
    /// in none of them. If none named one, the new processes that a trial saw by `/proc`, without
    /// an answer.
    pub generations: Vec<GenerationOutcome>,
    /// How many right answers were of other processes than those.
    pub answered_by_others: u64,
    /// What went wrong, by time: the first 1,000 of each kind.
    pub failures: Vec<Failure>,
    /// How many more failures there were.
    pub failures_not_kept: u64,
}

/// What the clients of one group saw.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GroupOutcome {
    /// What tables call it: the name that the plan gave it, or else its mode.
    pub name: String,
    /// How the group used its connections.
    pub mode: Mode,
    /// What it asked, in words.
    pub request: String,
    /// How many connections it had at the same time.
    pub connections: usize,
    /// Its counters.
    pub tally: Tally,
    /// How long its answers took.
    pub latency: Latency,
}

impl Outcome {
    /// So many answers, a second, while it was asked: waiting for the last ones is not asking.
    #[must_use]
    pub fn per_second(&self, answered: u64) -> f64 {
        answered as f64 / self.asked.as_secs_f64().max(1e-3)
    }

    /// Since when only this generation and later ones answered: the time of the last answer of an
    /// earlier one, or zero if there was none. `None` if no such generation answered at all.
    #[must_use]
    pub fn earlier_ended(&self, generation: u64) -> Option<Duration> {
        // They are sorted by generation.
        let place = self.generations.partition_point(|one| one.responder.generation < generation);
        let (earlier, later) = self.generations.split_at(place);
        let last = earlier.iter().map(|one| one.last).max().unwrap_or_default();
        // Who was only seen has answered nothing.
        later.iter().any(|one| one.answered > 0).then_some(last)
    }
}
