//! Which processes have answered, in the order of their first answers. Refuses to count their
//! answers: the account of the generations does.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::watch;

use crate::recognise::Responder;

/// How many are remembered: more than any service has processes at a time. Of a long load with very
/// many restarts the oldest are forgotten.
const MOST_ARRIVALS: usize = 4_096;

/// A process, and when its first answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) responder: Responder,
    pub(crate) at: Duration,
}

/// The processes that have answered any client. Each client tells of each process once.
#[derive(Debug)]
pub(crate) struct Arrivals(watch::Sender<Known>);

/// Those who are remembered.
#[derive(Debug, Default)]
struct Known {
    arrivals: VecDeque<Arrival>,
    /// Their places among all that ever came, from 0.
    places: HashMap<Responder, usize>,
    forgotten: usize,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self(watch::Sender::new(Known::default()))
    }
}

impl Arrivals {
    /// A client had its first answer of this process so long after the start.
    pub(crate) fn answered(&self, responder: Responder, at: Duration) {
        self.0.send_if_modified(|known| known.add(Arrival { responder, at }));
    }

    /// How many there were, those who are forgotten by now included.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().count()
    }

    /// Waits for the first one that comes after so many, and whose answer did not come earlier.
    pub(crate) async fn next(&self, known: usize, since: Duration) -> Arrival {
        let mut arrivals = self.0.subscribe();
        loop {
            let found = arrivals.borrow_and_update().first_after(known, since);
            if let Some(found) = found {
                return found;
            }
            if arrivals.changed().await.is_err() {
                // The sender is our own, and outlives this call.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Known {
    fn count(&self) -> usize {
        self.forgotten + self.arrivals.len()
    }

    /// Returns whether it is the first of its process.
    fn add(&mut self, new: Arrival) -> bool {
        if let Some(place) = self.places.get(&new.responder) {
            let known = &mut self.arrivals[place - self.forgotten];
            known.at = known.at.min(new.at);
            return false;
        }
        if self.arrivals.len() >= MOST_ARRIVALS
            && let Some(oldest) = self.arrivals.pop_front()
        {
            self.places.remove(&oldest.responder);
            self.forgotten += 1;
        }
        self.places.insert(new.responder, self.count());
        self.arrivals.push_back(new);
        true
    }

    fn first_after(&self, known: usize, since: Duration) -> Option<Arrival> {
        let new = self.arrivals.iter().skip(known.saturating_sub(self.forgotten));
        new.copied().filter(|one| one.at >= since).min_by_key(|one| one.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn responder(generation: u64) -> Responder {
        Responder { generation, pid: None }
    }

    #[tokio::test]
    async fn a_newcomer_is_one_that_did_not_answer_before() {
        let (arrivals, ms) = (Arrivals::default(), Duration::from_millis);
        arrivals.answered(responder(1), ms(10));
        arrivals.answered(responder(2), ms(11));
        let known = arrivals.count();
        // It had answered before the restart, and its client tells of it only now.
        arrivals.answered(responder(3), ms(19));
        arrivals.answered(responder(1), ms(30));
        let (next, ()) = tokio::join!(arrivals.next(known, ms(20)), async {
            tokio::task::yield_now().await;
            arrivals.answered(responder(4), ms(25));
        });
        assert_eq!(next, Arrival { responder: responder(4), at: ms(25) });
    }

    #[test]
    fn the_first_answer_is_the_earliest_of_all_clients() {
        let arrivals = Arrivals::default();
        for at_ms in [30, 20, 40] {
            arrivals.answered(responder(1), Duration::from_millis(at_ms));
        }
        assert_eq!(arrivals.0.borrow().arrivals[0].at, Duration::from_millis(20));
        assert_eq!(arrivals.count(), 1);
    }

    #[tokio::test]
    async fn of_very_many_the_oldest_are_forgotten_and_each_newcomer_is_still_one() {
        let (arrivals, ms) = (Arrivals::default(), Duration::from_millis);
        for generation in 0..2 * MOST_ARRIVALS as u64 + 9 {
            let known = arrivals.count();
            arrivals.answered(responder(generation), ms(generation));
            let next = arrivals.next(known, ms(generation)).await;
            assert_eq!(next, Arrival { responder: responder(generation), at: ms(generation) });
        }
        let last = responder(2 * MOST_ARRIVALS as u64 + 8);
        arrivals.answered(last, ms(99_999));
        assert_eq!(arrivals.count(), 2 * MOST_ARRIVALS + 9, "the last is still known");
        let known = arrivals.0.borrow();
        assert_eq!((known.arrivals.len(), known.places.len()), (MOST_ARRIVALS, MOST_ARRIVALS));
    }
}
