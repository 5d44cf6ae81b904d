//! Connections on their way to the next process, as the faces and the driver share them.
//!
//! What leaves goes through the [`Outbox`], what arrives comes to a [`Mailbox`].

mod mailbox;

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekindle_core::{MoveRefusal, MovedEntry, Receiver};
use rekindle_unix::Bell;

pub(crate) use self::mailbox::{Arrival, Mailbox};
use crate::tracker::Guard;
use crate::watch::Watch;

/// What `Receiver::protocol` says of a connection that the two programs speak of themselves.
pub(crate) const PROGRAM: &str = "program";

/// Whom connections can be moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nobody: there is no newer process, or it is not known yet what it takes.
    Nobody,
    /// A newer process, which takes these.
    Successor(Arc<[Receiver]>),
}

/// The way out. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    outlook: Watch<Outlook>,
    departures: Mutex<VecDeque<Departure>>,
    bell: Arc<Bell>,
}

/// A connection that the program gives away. As long as it is not gone it counts as in flight.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) entry: MovedEntry,
    pub(crate) parcel: Parcel,
}

/// What the driver holds of a connection that moves.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) descriptor: Arc<OwnedFd>,
    guard: Guard,
    outcome: Arc<Outcome>,
}

/// A connection that could not be given away: this process serves it on.
#[derive(Debug)]
pub(crate) struct GivenBack {
    pub(crate) descriptor: OwnedFd,
    pub(crate) guard: Guard,
    pub(crate) bytes: Vec<u8>,
    pub(crate) refusal: MoveRefusal,
}

impl Outbox {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        let (outlook, departures) = (Watch::new(Outlook::Nobody), Mutex::default());
        Self { inner: Arc::new(Inner { outlook, departures, bell }) }
    }

    /// Whom connections can be moved to, and its changes.
    pub(crate) fn outlook(&self) -> &Watch<Outlook> {
        &self.inner.outlook
    }

    /// Gives a connection away: the driver sends it as soon as there is room. The descriptor must
    /// be the last one to the connection in this process, with nobody reading or writing.
    pub(crate) fn hand_over(
        &self,
        entry: MovedEntry,
        descriptor: OwnedFd,
        guard: Guard,
    ) -> Promise {
        let outcome = Arc::new(Watch::new(None));
        let promise = Promise { outcome: Arc::clone(&outcome) };
        let parcel = Parcel { descriptor: Arc::new(descriptor), guard, outcome };
        let mut departures = self.lock();
        // The driver looks until there are none: for what follows another it is on its way.
        let is_first = departures.is_empty();
        departures.push_back(Departure { entry, parcel });
        drop(departures);
        if is_first {
            self.inner.bell.ring();
        }
        promise
    }

    /// The next connection that was given away, for the driver.
    pub(crate) fn next(&self) -> Option<Departure> {
        self.lock().pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Departure>> {
        self.inner.departures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parcel {
    /// The newest process has it: it is closed here, and does not count any more.
    pub(crate) fn gone(self) {
        let Self { descriptor, guard, outcome } = self;
        // The order matters: it counts until it is closed.
        drop(descriptor);
        drop(guard);
        outcome.change(|outcome| *outcome = Some(Ok(())));
    }

    /// It stays.
    pub(crate) fn give_back(self, bytes: Vec<u8>, refusal: MoveRefusal) {
        let Self { descriptor, guard, outcome } = self;
        match Arc::try_unwrap(descriptor).or_else(|shared| shared.try_clone()) {
            Ok(descriptor) => {
                let given_back = GivenBack { descriptor, guard, bytes, refusal };
                outcome.change(|outcome| *outcome = Some(Err(given_back)));
            }
            Err(error) => tracing::warn!(%error, "a connection that could not move is lost"),
        }
    }
}

/// What becomes of a connection that was given away: `Ok` once the newest process has it.
#[derive(Debug)]
pub(crate) struct Promise {
    outcome: Arc<Outcome>,
}

type Outcome = Watch<Option<Result<(), GivenBack>>>;

impl Promise {
    /// Waits for it, in a task.
    #[cfg(feature = "tokio")]
    pub(crate) async fn outcome(self) -> Result<(), GivenBack> {
        self.outcome.until(|outcome| outcome.is_some().then_some(())).await;
        self.outcome.change(Option::take).unwrap_or(Ok(()))
    }

    /// Waits for it, in a thread.
    pub(crate) fn outcome_blocking(self) -> Result<(), GivenBack> {
        self.outcome.until_blocking(|outcome| outcome.is_some().then_some(()));
        self.outcome.change(Option::take).unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use rekindle_core::Text;
    use rustix::event::{EventfdFlags, eventfd};

    use super::*;
    use crate::tracker::Tracker;

    fn hand_over(outbox: &Outbox) -> Promise {
        let receiver = Receiver { name: "a".parse().unwrap(), protocol: Text::from("b") };
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let guard = Tracker::new(Arc::new(Bell::new().unwrap())).guard();
        outbox.hand_over(MovedEntry { receiver, bytes: Vec::new() }, descriptor, guard)
    }

    #[test]
    fn the_bell_is_rung_for_the_first_and_not_for_those_behind_it() {
        let bell = Arc::new(Bell::new().unwrap());
        let outbox = Outbox::new(Arc::clone(&bell));
        for _ in 0..2 {
            let _first = hand_over(&outbox);
            assert!(bell.silence());
            let _second = hand_over(&outbox);
            assert!(!bell.silence());
            assert!(outbox.next().is_some() && outbox.next().is_some() && outbox.next().is_none());
        }
    }
}
