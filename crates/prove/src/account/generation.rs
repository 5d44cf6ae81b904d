//! Which process answered how often, and when. Owns that account; refuses to recognise anyone.

use std::time::Duration;

use serde::Serialize;

use crate::recognise::Responder;

/// What one process of the service answered. If no answer named a process and a trial looked at
/// `/proc`, a new process that was seen to hold the sockets: it has no answers here, and its times
/// are that at which it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GenerationOutcome {
    /// The process.
    #[serde(flatten)]
    pub responder: Responder,
    /// How many right answers it gave.
    pub answered: u64,
    /// When its first answer came, since the start of the load.
    #[serde(rename = "first_us", serialize_with = "crate::account::micros::serialize")]
    pub first: Duration,
    /// When its last answer came, since the start of the load.
    #[serde(rename = "last_us", serialize_with = "crate::account::micros::serialize")]
    pub last: Duration,
}

/// The account of one connection, or of many once they are merged.
#[derive(Debug, Default)]
pub(crate) struct Generations(Vec<GenerationOutcome>);

impl Generations {
    /// A right answer of this process came so long after the start. Returns whether it is the first
    /// one in this account.
    pub(crate) fn answered(&mut self, responder: Responder, at: Duration) -> bool {
        self.add(GenerationOutcome { responder, answered: 1, first: at, last: at })
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for outcome in other.0 {
            self.add(outcome);
        }
    }

    /// By generation, then by process.
    pub(crate) fn into_sorted(mut self) -> Vec<GenerationOutcome> {
        self.0.sort_by_key(|outcome| outcome.responder);
        self.0
    }

    /// Returns whether it is the first of its process.
    fn add(&mut self, other: GenerationOutcome) -> bool {
        // Searched from the end: the one that answered last mostly answers next.
        match self.0.iter_mut().rev().find(|known| known.responder == other.responder) {
            Some(known) => {
                known.answered += other.answered;
                known.first = known.first.min(other.first);
                known.last = known.last.max(other.last);
                false
            }
            None => {
                self.0.push(other);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_accounts_keep_counts_and_bounds() {
        let one = Responder { generation: 1, pid: Some(10) };
        let two = Responder { generation: 2, pid: Some(5) };
        let at = Duration::from_millis;
        let mut left = Generations::default();
        left.answered(two, at(30));
        left.answered(one, at(10));
        left.answered(one, at(20));
        let mut right = Generations::default();
        right.answered(one, at(5));
        right.answered(two, at(40));
        left.merge(right);
        let expected = |responder, answered, first, last| GenerationOutcome {
            responder,
            answered,
            first: at(first),
            last: at(last),
        };
        assert_eq!(left.into_sorted(), [expected(one, 3, 5, 20), expected(two, 2, 30, 40)]);
    }
}
