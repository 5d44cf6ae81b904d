//! Which processes have answered, in the order of their first answers. Refuses to count them: the
//! account of the generations does.

use std::time::Duration;

use tokio::sync::watch;

use crate::recognise::Responder;

/// How many are remembered: more than any service has processes.
const MOST_ARRIVALS: usize = 10_000;

/// A process, and when its first answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) responder: Responder,
    pub(crate) at: Duration,
}

/// The processes that have answered any client. Each client tells of each process once.
#[derive(Debug)]
pub(crate) struct Arrivals(watch::Sender<Vec<Arrival>>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Arrivals {
    /// A client had its first answer of this process so long after the start.
    pub(crate) fn answered(&self, responder: Responder, at: Duration) {
        self.0.send_if_modified(|arrivals| {
            let has_room = arrivals.len() < MOST_ARRIVALS;
            match arrivals.iter_mut().find(|arrival| arrival.responder == responder) {
                Some(known) => {
                    known.at = known.at.min(at);
                    false
                }
                None if has_room => {
                    arrivals.push(Arrival { responder, at });
                    true
                }
                None => false,
            }
        });
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Waits for the first one that comes after so many, and whose answer did not come earlier.
    pub(crate) async fn next(&self, known: usize, since: Duration) -> Arrival {
        let mut arrivals = self.0.subscribe();
        loop {
            let found = arrivals.borrow_and_update().get(known..).and_then(|new| {
                new.iter().copied().filter(|one| one.at >= since).min_by_key(|one| one.at)
            });
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
        assert_eq!(arrivals.0.borrow()[0].at, Duration::from_millis(20));
        for generation in 0..MOST_ARRIVALS as u64 + 9 {
            arrivals.answered(responder(generation), Duration::ZERO);
        }
        assert_eq!(arrivals.count(), MOST_ARRIVALS);
    }
}
