//! Connections on their way to the next process, as the faces and the driver share them.
//!
//! What leaves goes through the [`Outbox`], what arrives comes to a [`Mailbox`].

mod mailbox;

use std::collections::VecDeque;
use std::fmt;
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
    departures: Mutex<Departures>,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Departures {
    waiting: VecDeque<Departure>,
    /// How many have to wait before the bell is rung.
    wanted: usize,
    /// There is no driver any more.
    closed: bool,
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
    settling: Settling,
}

/// Settles what became of a connection: as lost if it is dropped.
struct Settling {
    claim: Option<Claim>,
}

/// What is to be done once it is known what became of a connection: `Ok` if the newest process has
/// it. Done in any thread, which is not to be held up.
type Claim = Box<dyn FnOnce(Result<(), GivenBack>) + Send>;

/// A connection that could not be given away: this process serves it on.
#[derive(Debug)]
pub(crate) struct GivenBack {
    /// None if it is lost to this process.
    pub(crate) connection: Option<(OwnedFd, Guard)>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) refusal: MoveRefusal,
}

impl Outbox {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        let departures = Departures { waiting: VecDeque::new(), wanted: 1, closed: false };
        let (outlook, departures) = (Watch::new(Outlook::Nobody), Mutex::new(departures));
        Self { inner: Arc::new(Inner { outlook, departures, bell }) }
    }

    /// Whom connections can be moved to, and its changes.
    pub(crate) fn outlook(&self) -> &Watch<Outlook> {
        &self.inner.outlook
    }

    /// Gives a connection away, to hear of it in time.
    pub(crate) fn hand_over(
        &self,
        entry: MovedEntry,
        descriptor: OwnedFd,
        guard: Guard,
    ) -> Promise {
        let outcome = Arc::new(Watch::new(None));
        let promise = Promise { outcome: Arc::clone(&outcome) };
        let claim = move |result| outcome.change(|outcome| *outcome = Some(result));
        self.hand_over_with(entry, descriptor, guard, Box::new(claim));
        promise
    }

    /// Gives a connection away: the driver sends it as soon as there is room. The descriptor must
    /// be the last one to the connection in this process, with nobody reading or writing.
    pub(crate) fn hand_over_with(
        &self,
        entry: MovedEntry,
        descriptor: OwnedFd,
        guard: Guard,
        claim: Claim,
    ) {
        let settling = Settling { claim: Some(claim) };
        let parcel = Parcel { descriptor: Arc::new(descriptor), guard, settling };
        let mut departures = self.lock();
        if departures.closed {
            drop(departures);
            return parcel.give_back(entry.bytes, MoveRefusal::NoSuccessor);
        }
        departures.waiting.push_back(Departure { entry, parcel });
        // For what follows these the driver is on its way.
        let are_enough = departures.waiting.len() == departures.wanted;
        drop(departures);
        if are_enough {
            self.inner.bell.ring();
        }
    }

    /// All connections that were given away, for the driver, in the place of an empty list.
    pub(crate) fn collect(&self, into: &mut VecDeque<Departure>) {
        std::mem::swap(&mut self.lock().waiting, into);
    }

    /// From here on the driver is woken as soon as so many wait; until then it comes by itself.
    pub(crate) fn want(&self, wanted: usize) {
        let mut departures = self.lock();
        departures.wanted = wanted;
        let are_enough = departures.waiting.len() >= wanted;
        drop(departures);
        if are_enough {
            self.inner.bell.ring();
        }
    }

    /// The next connection that was given away.
    pub(crate) fn next(&self) -> Option<Departure> {
        self.lock().waiting.pop_front()
    }

    /// Nobody will ask for the next one any more: all are given back, and whatever follows.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        while let Some(Departure { entry, parcel }) = self.next() {
            parcel.give_back(entry.bytes, MoveRefusal::NoSuccessor);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Departures> {
        self.inner.departures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parcel {
    /// The newest process has it: it is closed here, and does not count any more.
    pub(crate) fn gone(self) {
        let Self { descriptor, guard, settling } = self;
        // The order matters: it counts until it is closed.
        drop(descriptor);
        drop(guard);
        settling.settle(Ok(()));
    }

    /// It stays.
    pub(crate) fn give_back(self, bytes: Vec<u8>, refusal: MoveRefusal) {
        let Self { descriptor, guard, settling } = self;
        match Arc::try_unwrap(descriptor).or_else(|shared| shared.try_clone()) {
            Ok(descriptor) => {
                let connection = Some((descriptor, guard));
                settling.settle(Err(GivenBack { connection, bytes, refusal }));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection that could not move is lost");
                drop(guard);
                settling.settle(Err(GivenBack::lost(bytes)));
            }
        }
    }

    /// Nobody here knows whether the newest process has it, or will ask.
    pub(crate) fn lose(self) {
        let Self { descriptor, guard, settling } = self;
        drop(descriptor);
        drop(guard);
        drop(settling);
    }
}

impl GivenBack {
    const fn lost(bytes: Vec<u8>) -> Self {
        Self { connection: None, bytes, refusal: MoveRefusal::System }
    }
}

impl Settling {
    fn settle(mut self, result: Result<(), GivenBack>) {
        self.settle_once(result);
    }

    fn settle_once(&mut self, result: Result<(), GivenBack>) {
        if let Some(claim) = self.claim.take() {
            claim(result);
        }
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.settle_once(Err(GivenBack::lost(Vec::new())));
    }
}

impl fmt::Debug for Settling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settling").finish_non_exhaustive()
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
        outbox.hand_over(MovedEntry { receiver, bytes: b"state".to_vec() }, descriptor, guard)
    }

    #[test]
    fn whatever_becomes_of_the_driver_a_promise_is_settled() {
        let outbox = Outbox::new(Arc::new(Bell::new().unwrap()));
        let promise = hand_over(&outbox);
        drop(outbox.next());
        let lost = promise.outcome_blocking().unwrap_err();
        assert!(lost.connection.is_none());
        let (before, after) = (hand_over(&outbox), {
            outbox.close();
            hand_over(&outbox)
        });
        for promise in [before, after] {
            let back = promise.outcome_blocking().unwrap_err();
            assert!(back.connection.is_some(), "it was not on its way");
            assert_eq!(
                (back.bytes.as_slice(), back.refusal),
                (&b"state"[..], MoveRefusal::NoSuccessor)
            );
        }
    }

    #[test]
    fn the_bell_is_rung_once_for_as_many_as_are_wanted() {
        let bell = Arc::new(Bell::new().unwrap());
        let outbox = Outbox::new(Arc::clone(&bell));
        let mut collected = VecDeque::new();
        for wanted in [1, 3] {
            outbox.want(wanted);
            for number in 1..=4 {
                let _promise = hand_over(&outbox);
                assert_eq!(bell.silence(), number == wanted, "{number} of {wanted}");
            }
            outbox.collect(&mut collected);
            assert_eq!(collected.drain(..).count(), 4);
        }
        let _promise = hand_over(&outbox);
        outbox.want(2);
        assert!(!bell.silence());
        outbox.want(1);
        assert!(bell.silence(), "it is there already");
    }
}
