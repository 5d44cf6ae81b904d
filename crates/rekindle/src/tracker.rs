//! What is in flight: the connections and other guarded work of this process.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use event_listener::{Event, Listener as _, listener};
use rekindle_unix::{Bell, Registry, Severable};

use crate::watch::Watch;

/// One of those in flight, in [`Inner::counts`].
const ONE: u64 = 1;

/// One of those that rest, in [`Inner::counts`].
const RESTING: u64 = 1 << 32;

/// Counts what is in flight, and cuts it when the hammer falls. Clones are the same tracker.
#[derive(Debug, Clone)]
pub(crate) struct Tracker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// How many are in flight, in the lower half, and how many of them rest, in the upper one: one
    /// word, so that both are known of one moment.
    counts: AtomicU64,
    /// Rung when the last one is finished, for a driver that waits for it.
    bell: Arc<Bell>,
    awaited: AtomicBool,
    /// The same for whoever waits without a bell.
    ended: Event,
    connections: Registry,
    cut: Watch<bool>,
}

impl Tracker {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        let connections = Registry::new();
        let (counts, ended) = (AtomicU64::new(0), Event::new());
        let (awaited, cut) = (AtomicBool::new(false), Watch::new(false));
        let inner = Inner { counts, bell, awaited, ended, connections, cut };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn guard(&self) -> Guard {
        self.inner.counts.fetch_add(ONE, Ordering::SeqCst);
        Guard { tracker: self.clone() }
    }

    /// Something that is about to be tried, such as to accept a connection. It counts as in flight
    /// and rests until it [succeeds](Trial::succeed): to cut it is no loss.
    pub(crate) fn trial(&self) -> Trial {
        self.inner.counts.fetch_add(ONE + RESTING, Ordering::SeqCst);
        Trial { tracker: self.clone() }
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.counts().0
    }

    /// How many are in flight, and how many of those only wait to be closed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let counts = self.inner.counts.load(Ordering::SeqCst);
        (counts % RESTING, counts / RESTING)
    }

    /// So many are over.
    fn release(&self, what: u64) {
        let inner = &self.inner;
        let before = inner.counts.fetch_sub(what, Ordering::SeqCst);
        if before % RESTING == ONE && inner.awaited.load(Ordering::SeqCst) {
            inner.bell.ring();
            inner.ended.notify(usize::MAX);
        }
    }

    /// One of those in flight rests, for as long as the result lives.
    pub(crate) fn rest(&self) -> Resting {
        self.begin_rest();
        Resting { tracker: self.clone() }
    }

    /// The same, until [`Tracker::end_rest`].
    pub(crate) fn begin_rest(&self) {
        self.inner.counts.fetch_add(RESTING, Ordering::SeqCst);
    }

    pub(crate) fn end_rest(&self) {
        self.inner.counts.fetch_sub(RESTING, Ordering::SeqCst);
    }

    /// The driver waits for the end from here on: nothing new comes. To be called before
    /// counting, so that the last one is either not counted or rings.
    pub(crate) fn await_end(&self) {
        self.inner.awaited.store(true, Ordering::SeqCst);
    }

    /// Waits, in a thread, until nothing is in flight, but no longer than `patience`. To be called
    /// after [`Tracker::await_end`].
    pub(crate) fn wait_for_end(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            listener!(self.inner.ended => ended);
            if self.in_flight() == 0 || ended.wait_deadline(deadline).is_none() {
                return;
            }
        }
    }

    /// Registers a connection, so that it can be cut.
    pub(crate) fn severable<T: AsFd + 'static>(&self, stream: T) -> Severable<T> {
        let severable = self.inner.connections.register(stream);
        // One that comes after the hammer, such as one that was given back, shares its fate.
        if self.inner.cut.look(|cut| *cut) {
            self.inner.connections.sever_all();
        }
        severable
    }

    /// Cuts all connections and tells every guard.
    pub(crate) fn cut(&self) {
        self.inner.cut.change(|cut| *cut = true);
        self.inner.connections.sever_all();
    }

    /// Whether the hammer has fallen.
    #[cfg(feature = "http")]
    pub(crate) fn is_cut(&self) -> bool {
        self.inner.cut.look(|cut| *cut)
    }

    /// Waits until it has fallen, or not any more: until that is not `seen`.
    #[cfg(feature = "http")]
    pub(crate) async fn cut_changed(&self, seen: bool) {
        self.inner.cut.until(|cut| (*cut != seen).then_some(())).await;
    }

    /// After a roll back the process serves again: new work is not cut.
    pub(crate) fn resume(&self) {
        self.inner.awaited.store(false, Ordering::SeqCst);
        self.inner.cut.change(|cut| *cut = false);
    }
}

/// Keeps the process from exiting before the work that holds it is done, as long as the drain
/// deadline allows. Every accepted connection has one.
#[derive(Debug)]
#[must_use = "the work counts as done as soon as its guard is dropped"]
pub struct Guard {
    tracker: Tracker,
}

impl Guard {
    /// Waits until the hammer falls: the drain deadline has come, and what is not finished now
    /// is lost. For work that is not a connection of ours; those are cut by themselves.
    pub async fn cut(&self) {
        self.tracker.inner.cut.until(|cut| cut.then_some(())).await;
    }

    /// Says that the work is as good as done, for as long as the result lives: to cut it now
    /// would lose nothing, such as a kept connection between two requests. It still counts as in
    /// flight, so that the drain waits for it.
    pub fn resting(&self) -> Resting {
        self.tracker.rest()
    }

    pub(crate) const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Whether the hammer has fallen.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.tracker.inner.cut.look(|cut| *cut)
    }
}

/// What [`Guard::resting`] says, for as long as it lives. To be dropped before its guard.
#[derive(Debug)]
#[must_use = "the work counts as work again as soon as this is dropped"]
pub struct Resting {
    tracker: Tracker,
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.tracker.end_rest();
    }
}

impl Clone for Guard {
    /// Another guard for another part of the same work.
    fn clone(&self) -> Self {
        self.tracker.guard()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tracker.release(ONE);
    }
}

/// What [`Tracker::trial`] counts, until it is known how it went.
#[derive(Debug)]
pub(crate) struct Trial {
    tracker: Tracker,
}

impl Trial {
    /// There is work now, and its guard.
    pub(crate) fn succeed(self) -> Guard {
        let guard = self.tracker.guard();
        // The trial itself is over: what goes on is the guard's.
        drop(self);
        guard
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.tracker.release(ONE + RESTING);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_bell_rings_when_the_last_is_finished() {
        let bell = Arc::new(Bell::new().unwrap());
        let tracker = Tracker::new(Arc::clone(&bell));
        drop(tracker.guard());
        assert!(!bell.silence(), "nobody waits for it yet");
        tracker.await_end();
        let first = tracker.guard();
        let second = first.clone();
        assert_eq!(tracker.in_flight(), 2);
        drop(first);
        assert!(!bell.silence());
        drop(second);
        assert!(bell.silence());
        assert_eq!(tracker.in_flight(), 0);
    }

    #[test]
    fn what_rests_is_in_flight_still() {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        let guard = tracker.guard();
        let resting = guard.resting();
        assert_eq!(tracker.counts(), (1, 1));
        drop(resting);
        assert_eq!(tracker.counts(), (1, 0));
    }

    #[test]
    fn what_ends_soon_is_waited_for_and_what_does_not_is_not() {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        tracker.await_end();
        let guard = tracker.guard();
        let short = Duration::from_millis(20);
        let begun = Instant::now();
        tracker.wait_for_end(short);
        assert!(begun.elapsed() >= short);
        let long = Duration::from_secs(600);
        std::thread::scope(|scope| {
            scope.spawn(|| tracker.wait_for_end(long));
            drop(guard);
        });
        assert!(begun.elapsed() < long);
    }

    #[test]
    fn what_comes_after_the_hammer_is_cut_too() {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        let (mut client, server) = std::os::unix::net::UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        tracker.cut();
        let _server = tracker.severable(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "the end of file");
    }

    #[test]
    fn what_is_only_tried_rests_and_what_succeeds_does_not() {
        let bell = Arc::new(Bell::new().unwrap());
        let tracker = Tracker::new(Arc::clone(&bell));
        let trial = tracker.trial();
        assert_eq!(tracker.counts(), (1, 1), "it is waited for, and to cut it is no loss");
        let guard = trial.succeed();
        assert_eq!(tracker.counts(), (1, 0));
        let failed = tracker.trial();
        drop(guard);
        tracker.await_end();
        drop(failed);
        assert_eq!(tracker.counts(), (0, 0));
        assert!(bell.silence(), "the last one was a trial");
    }

    #[test]
    fn the_hammer_is_seen_by_every_guard_until_the_process_resumes() {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        let guard = tracker.guard();
        assert!(!guard.is_cut());
        tracker.cut();
        assert!(guard.is_cut());
        tracker.resume();
        assert!(!guard.is_cut());
    }
}
