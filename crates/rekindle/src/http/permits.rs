//! Permits to move: as many connections are on their way at once as the channel takes. Who has
//! none goes on serving, and is not woken before it has one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekindle_core::MOVE_WINDOW;

use crate::http::berth::{Berth, Ticket};

/// The permits of one process. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Permits {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    /// Those that wait, and some that do not any more.
    waiting: VecDeque<Arc<Berth>>,
}

/// A permit; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    permits: Permits,
}

impl Permits {
    pub(crate) fn new() -> Self {
        let queue = Queue { free: MOVE_WINDOW, waiting: VecDeque::new() };
        Self { queue: Arc::new(Mutex::new(queue)) }
    }

    /// A connection wants a permit: it has it at once, or is woken when it has it.
    pub(crate) fn ask(&self, berth: &Arc<Berth>) {
        let mut queue = self.lock();
        queue.list(berth);
        let granted = queue.grant();
        drop(queue);
        wake(granted.iter().filter(|it| !Arc::ptr_eq(it, berth)));
    }

    /// All of these are to move. Who wants no permit is woken at once.
    pub(crate) fn call(&self, berths: Vec<Arc<Berth>>) {
        let mut queue = self.lock();
        let (aside, called): (Vec<_>, Vec<_>) =
            berths.into_iter().partition(|berth| berth.is_aside());
        called.iter().for_each(|berth| queue.list(berth));
        let granted = queue.grant();
        drop(queue);
        wake(aside.iter().chain(&granted));
    }

    /// What a connection has of a permit, it has not any more. Returns the permit, if there was.
    #[inline]
    pub(crate) fn take(&self, berth: &Berth) -> Option<Permit> {
        // The usual case is one load.
        if berth.ticket() == Ticket::None {
            return None;
        }
        match berth.set_ticket(Ticket::None) {
            Ticket::None | Ticket::Queued => None,
            Ticket::Granted => Some(Permit { permits: self.clone() }),
        }
    }

    /// A connection wants no permit from here on, whatever it is called to; or may want one again.
    pub(crate) fn set_aside(&self, berth: &Berth, is_aside: bool) {
        let queue = self.lock();
        berth.set_aside(is_aside);
        let permit = if is_aside { self.take(berth) } else { None };
        drop(queue);
        drop(permit);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// It waits for a permit from here on. Who gave up its place and asks again has it still.
    fn list(&mut self, berth: &Arc<Berth>) {
        if berth.turn_ticket(Ticket::None, Ticket::Queued) && !berth.set_listed(true) {
            self.waiting.push_back(Arc::clone(berth));
        }
    }

    /// Gives out what is free. Returns who is to be woken.
    fn grant(&mut self) -> Vec<Arc<Berth>> {
        let mut granted = Vec::new();
        while self.free > 0
            && let Some(berth) = self.waiting.pop_front()
        {
            berth.set_listed(false);
            if berth.turn_ticket(Ticket::Queued, Ticket::Granted) {
                self.free -= 1;
                granted.push(berth);
            }
        }
        granted
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut queue = self.permits.lock();
        queue.free += 1;
        let granted = queue.grant();
        drop(queue);
        wake(&granted);
    }
}

fn wake<'a>(berths: impl IntoIterator<Item = &'a Arc<Berth>>) {
    for berth in berths {
        berth.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berths(count: usize) -> Vec<Arc<Berth>> {
        (0..count).map(|_| Arc::new(Berth::new())).collect()
    }

    fn granted(berths: &[Arc<Berth>]) -> Vec<usize> {
        let has = |index: &usize| berths[*index].ticket() == Ticket::Granted;
        (0..berths.len()).filter(has).collect()
    }

    /// All permits, in one hand.
    fn all(permits: &Permits) -> Vec<Permit> {
        let berths = berths(MOVE_WINDOW);
        berths.iter().for_each(|berth| permits.ask(berth));
        berths.iter().map(|berth| permits.take(berth).expect("it is free")).collect()
    }

    #[test]
    fn who_gives_up_its_place_holds_nobody_up() {
        let permits = Permits::new();
        let (mut held, waiting) = (all(&permits), berths(3));
        permits.call(waiting.clone());
        assert!(permits.take(&waiting[0]).is_none());
        permits.set_aside(&waiting[1], true);
        drop(held.pop());
        assert_eq!(granted(&waiting), [2]);
        assert!(permits.take(&waiting[2]).is_some());
        permits.ask(&waiting[0]);
        assert_eq!(granted(&waiting), [0], "what was not kept is there again");
    }

    #[test]
    fn who_asks_again_has_its_place_still_and_only_one() {
        let permits = Permits::new();
        let (mut held, waiting) = (all(&permits), berths(2));
        permits.call(waiting.clone());
        for _ in 0..10 {
            assert!(permits.take(&waiting[0]).is_none());
            permits.ask(&waiting[0]);
            permits.call(waiting.clone());
        }
        assert_eq!(permits.lock().waiting.len(), 2);
        drop(held.pop());
        assert_eq!(granted(&waiting), [0]);
        drop(held.pop());
        assert_eq!(granted(&waiting), [0, 1]);
    }

    #[test]
    fn who_stands_aside_with_a_permit_passes_it_on_and_is_called_to_nothing() {
        let permits = Permits::new();
        let (mut held, waiting) = (all(&permits), berths(2));
        permits.call(waiting.clone());
        drop(held.pop());
        permits.set_aside(&waiting[0], true);
        assert_eq!(granted(&waiting), [1]);
        permits.call(waiting.clone());
        drop(held);
        assert_eq!(granted(&waiting), [1]);
        permits.set_aside(&waiting[0], false);
        permits.call(waiting.clone());
        assert_eq!(granted(&waiting), [0, 1]);
    }
}
