//! The record of what went wrong, and when. Owns the bounded list; refuses to count: `tally` does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::account::failure::{Failure, FailureKind};
use crate::recognise::Responder;

/// How many failures of each kind are kept in full: a storm of one kind must not hide another.
pub(crate) const KEPT_PER_KIND: u64 = 1_000;

/// The failures of a whole load, the first ones of each kind. Locked on failures and restarts only.
///
/// The lock is also what divides time at a restart: a failure is counted and recorded before it or
/// after it, never counted before and recorded after.
#[derive(Debug, Default)]
pub(crate) struct FailureLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    failures: Vec<Failure>,
    seen: [u64; FailureKind::ALL.len()],
    restarts: u32,
}

impl FailureLog {
    /// Adds the failure that this makes, which is told how many restarts have begun, and which
    /// counts the failure too. Returns its place, if it is kept.
    pub(crate) fn add(&self, count: impl FnOnce(u32) -> Failure) -> Option<usize> {
        let mut kept = self.lock();
        let failure = count(kept.restarts);
        let seen = &mut kept.seen[failure.kind as usize];
        *seen += 1;
        (*seen <= KEPT_PER_KIND).then(|| {
            kept.failures.push(failure);
            kept.failures.len() - 1
        })
    }

    /// The client of the failures at these places was answered next by this process.
    pub(crate) fn followed(&self, places: impl IntoIterator<Item = usize>, by: Responder) {
        let mut kept = self.lock();
        for place in places {
            if let Some(failure) = kept.failures.get_mut(place) {
                failure.next_responder = Some(by);
            }
        }
    }

    /// A restart begins: takes down what was counted until then, while no failure is counted.
    pub(crate) fn begin_restart<T>(&self, take_down: impl FnOnce() -> T) -> T {
        let mut kept = self.lock();
        kept.restarts += 1;
        take_down()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept failures in the order of their time, and how many more there were.
    pub(crate) fn take(&self) -> (Vec<Failure>, u64) {
        let mut kept = self.lock();
        let mut failures = std::mem::take(&mut kept.failures);
        failures.sort_by_key(|failure| failure.at);
        let beyond = kept.seen.iter().map(|seen| seen.saturating_sub(KEPT_PER_KIND)).sum();
        (failures, beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::failure::failure;

    #[test]
    fn a_storm_of_one_kind_does_not_hide_another() {
        let log = FailureLog::default();
        for at_ms in 0..KEPT_PER_KIND + 7 {
            log.add(|_| failure(FailureKind::Refused, at_ms));
        }
        log.add(|_| failure(FailureKind::Lost, 3));
        let (failures, beyond) = log.take();
        assert_eq!(failures.len() as u64, KEPT_PER_KIND + 1);
        assert_eq!(beyond, 7);
        assert_eq!(failures[4].kind, FailureKind::Lost, "in the order of time");
        assert!(failures.is_sorted_by_key(|failure| failure.at));
    }

    #[test]
    fn a_failure_knows_how_many_restarts_had_begun_and_who_answered_next() {
        let log = FailureLog::default();
        let lost = |restart| Failure { restart, ..failure(FailureKind::Lost, 1) };
        let first = log.add(lost).unwrap();
        assert_eq!(log.begin_restart(|| 7), 7);
        let second = log.add(lost).unwrap();
        let third = log.add(lost).unwrap();
        let next = Responder { generation: 9, pid: None };
        log.followed([first, third], next);
        let (failures, _) = log.take();
        let found = failures.iter().map(|it| (it.restart, it.next_responder));
        assert_eq!(found.collect::<Vec<_>>(), [(0, Some(next)), (1, None), (1, Some(next))]);
        assert_eq!(second, 1);
    }

    #[test]
    fn a_failure_that_is_not_kept_has_no_place() {
        let log = FailureLog::default();
        let refused = |_| failure(FailureKind::Refused, 1);
        (0..KEPT_PER_KIND).for_each(|_| assert!(log.add(refused).is_some()));
        assert_eq!(log.add(refused), None);
    }
}
