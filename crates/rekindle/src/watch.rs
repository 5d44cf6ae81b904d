//! A value that one thread changes and others wait on, in a task or in a thread alike.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener as _, listener};

/// A value and the event of its change.
pub(crate) struct Watch<T> {
    value: Mutex<T>,
    changed: Event,
}

impl<T> Watch<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Event::new() }
    }

    /// Changes the value and wakes everybody who waits.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify(usize::MAX);
        result
    }

    /// Looks at the value.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Waits, in a task, until `ready` finds what it looks for.
    pub(crate) async fn until<R>(&self, mut ready: impl FnMut(&T) -> Option<R>) -> R {
        loop {
            if let Some(result) = self.look(&mut ready) {
                return result;
            }
            listener!(self.changed => change);
            // The value may have changed before the listener was there.
            if let Some(result) = self.look(&mut ready) {
                return result;
            }
            change.await;
        }
    }

    /// Waits, in a thread, until `ready` finds what it looks for.
    pub(crate) fn until_blocking<R>(&self, mut ready: impl FnMut(&T) -> Option<R>) -> R {
        loop {
            if let Some(result) = self.look(&mut ready) {
                return result;
            }
            listener!(self.changed => change);
            if let Some(result) = self.look(&mut ready) {
                return result;
            }
            change.wait();
        }
    }

    /// The same, for no longer than `patience`.
    pub(crate) fn until_blocking_for<R>(
        &self,
        patience: Duration,
        mut ready: impl FnMut(&T) -> Option<R>,
    ) -> Option<R> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(result) = self.look(&mut ready) {
                return Some(result);
            }
            listener!(self.changed => change);
            if let Some(result) = self.look(&mut ready) {
                return Some(result);
            }
            change.wait_deadline(deadline)?;
        }
    }

    /// Nothing that is done under this lock can leave the value half changed, so a panic
    /// elsewhere is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug> fmt::Debug for Watch<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look(|value| formatter.debug_tuple("Watch").field(value).finish())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_sees_a_change_that_comes_while_it_waits() {
        let watch = Arc::new(Watch::new(0));
        let waiting = {
            let watch = Arc::clone(&watch);
            thread::spawn(move || watch.until_blocking(|&n| (n == 3).then_some(n)))
        };
        for n in 1..=3 {
            watch.change(|value| *value = n);
        }
        assert_eq!(waiting.join().unwrap(), 3);
    }

    #[test]
    fn a_wait_ends_with_its_patience() {
        let watch = Watch::new(0);
        let none = watch.until_blocking_for(Duration::ZERO, |&n| (n == 1).then_some(n));
        assert_eq!(none, None);
        let there = watch.until_blocking_for(Duration::ZERO, |&n| (n == 0).then_some(n));
        assert_eq!(there, Some(0));
    }

    #[test]
    fn what_is_there_already_is_not_waited_for() {
        let watch = Watch::new(Some("here"));
        assert_eq!(watch.until_blocking(|value| *value), "here");
    }
}
