//! Which process answered how often, and when. Owns that account; refuses to recognise anyone.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::recognise::Responder;

/// How many processes have an account of their own: more than any service has at a time. What is
/// taken for a name may be another one in each answer, which must not fill the memory.
const MOST_GENERATIONS: usize = 4_096;

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

/// The account of one client, or of many once they are merged.
#[derive(Debug, Default)]
pub(crate) struct Generations {
    outcomes: Vec<GenerationOutcome>,
    /// Where each of them stands.
    places: HashMap<Responder, usize>,
    /// Where the one stands that answered last, and mostly answers next.
    latest: usize,
    /// Answers of more processes than the most.
    of_others: u64,
    /// The one of those that answered last.
    latest_other: Option<Responder>,
}

impl Generations {
    /// A right answer of this process came so long after the start. Returns whether it is the first
    /// one in this account; of processes beyond the most, whether it is another one than the last
    /// of those.
    pub(crate) fn answered(&mut self, responder: Responder, at: Duration) -> bool {
        self.add(GenerationOutcome { responder, answered: 1, first: at, last: at })
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for outcome in other.outcomes {
            self.add(outcome);
        }
        self.of_others += other.of_others;
    }

    /// How many answers were of processes beyond the most.
    pub(crate) fn of_others(&self) -> u64 {
        self.of_others
    }

    /// By generation, then by process.
    pub(crate) fn into_sorted(mut self) -> Vec<GenerationOutcome> {
        self.outcomes.sort_by_key(|outcome| outcome.responder);
        self.outcomes
    }

    fn add(&mut self, other: GenerationOutcome) -> bool {
        let responder = other.responder;
        let latest = self.outcomes.get(self.latest).map(|known| known.responder);
        let place = (latest == Some(responder)).then_some(self.latest);
        if let Some(place) = place.or_else(|| self.places.get(&responder).copied()) {
            let known = &mut self.outcomes[place];
            known.answered += other.answered;
            known.first = known.first.min(other.first);
            known.last = known.last.max(other.last);
            self.latest = place;
            return false;
        }
        if self.outcomes.len() >= MOST_GENERATIONS {
            self.of_others += other.answered;
            return self.latest_other.replace(responder) != Some(responder);
        }
        self.latest = self.outcomes.len();
        self.places.insert(responder, self.latest);
        self.outcomes.push(other);
        true
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

    #[test]
    fn of_very_many_those_beyond_the_most_are_one_number_and_each_is_told_of() {
        let named = |generation| Responder { generation, pid: Some(1) };
        let (most, at) = (MOST_GENERATIONS as u64, Duration::ZERO);
        let mut all = Generations::default();
        for client in 0..3 {
            let mut one = Generations::default();
            for generation in 0..most + 10 {
                assert!(one.answered(named(generation), at), "the first of this client");
                assert!(!one.answered(named(generation), at));
            }
            all.merge(one);
            assert_eq!(all.of_others(), (client + 1) * 2 * 10);
        }
        let known = all.into_sorted();
        assert_eq!(known.len(), MOST_GENERATIONS);
        assert!(known.iter().all(|one| one.answered == 6));
    }
}
