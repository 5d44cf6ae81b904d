//! Where connections arrive that an older process moved here.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rekindle_core::Receiver;
use rekindle_unix::SocketKind;

use crate::tracker::Guard;
use crate::watch::Watch;

/// Where connections arrive that an older process moved here. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    receiver: Receiver,
    /// What the descriptors have to be.
    kind: SocketKind,
    state: Watch<State>,
}

#[derive(Debug)]
enum State {
    /// More may come.
    Open(VecDeque<Arrival>),
    /// No more will come.
    Ended(VecDeque<Arrival>),
    /// The program does not look into it any more.
    Abandoned,
}

/// A connection that an older process moved here. It counts as in flight.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// As the older process left it: whoever takes it says whether it is to block.
    pub(crate) descriptor: OwnedFd,
    /// The address of the other end; none if that is none of the internet.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) guard: Guard,
    pub(crate) bytes: Vec<u8>,
}

impl Mailbox {
    pub(crate) fn new(receiver: Receiver, kind: SocketKind) -> Self {
        let state = Watch::new(State::Open(VecDeque::new()));
        Self { inner: Arc::new(Inner { receiver, kind, state }) }
    }

    pub(crate) fn receiver(&self) -> &Receiver {
        &self.inner.receiver
    }

    pub(crate) fn kind(&self) -> SocketKind {
        self.inner.kind
    }

    /// Whether what is delivered here will be looked at.
    pub(crate) fn is_attended(&self) -> bool {
        self.inner.state.look(|state| match state {
            State::Open(_) => true,
            State::Ended(_) | State::Abandoned => false,
        })
    }

    pub(crate) fn deliver(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        self.inner.state.change(|state| match state {
            State::Open(queue) | State::Ended(queue) => queue.extend(arrivals),
            State::Abandoned => {}
        });
    }

    /// No more will come.
    pub(crate) fn end(&self) {
        self.inner.state.change(|state| {
            if let State::Open(queue) = state {
                *state = State::Ended(std::mem::take(queue));
            }
        });
    }

    /// The program will not look into it any more: what is in it is closed, and what older
    /// processes would move here stays with them.
    pub(crate) fn abandon(&self) {
        let before = self.inner.state.change(|state| std::mem::replace(state, State::Abandoned));
        // Guards and descriptors are dropped without the lock.
        drop(before);
    }

    /// Waits, in a task, for what has arrived: all of it. For ever if nothing comes.
    #[cfg(feature = "tokio")]
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only served protocols take all that has arrived at once")
    )]
    pub(crate) async fn arrived(&self) -> VecDeque<Arrival> {
        let full = |state: &State| match state {
            State::Open(queue) | State::Ended(queue) => (!queue.is_empty()).then_some(()),
            State::Abandoned => None,
        };
        self.inner.state.until(full).await;
        self.inner.state.change(|state| match state {
            State::Open(queue) | State::Ended(queue) => std::mem::take(queue),
            State::Abandoned => VecDeque::new(),
        })
    }

    /// Waits, in a task, for the next that arrives; none if no more will.
    #[cfg(feature = "tokio")]
    pub(crate) async fn next(&self) -> Option<Arrival> {
        loop {
            self.inner.state.until(State::has_news).await;
            if let Some(next) = self.take() {
                return next;
            }
        }
    }

    /// Waits, in a thread, for the next that arrives; none if no more will.
    pub(crate) fn next_blocking(&self) -> Option<Arrival> {
        loop {
            self.inner.state.until_blocking(State::has_news);
            if let Some(next) = self.take() {
                return next;
            }
        }
    }

    /// The next, or that no more will come; nothing if another one was faster.
    fn take(&self) -> Option<Option<Arrival>> {
        self.inner.state.change(|state| match state {
            State::Open(queue) => queue.pop_front().map(Some),
            State::Ended(queue) => Some(queue.pop_front()),
            State::Abandoned => Some(None),
        })
    }
}

impl State {
    fn has_news(&self) -> Option<()> {
        match self {
            Self::Open(queue) => (!queue.is_empty()).then_some(()),
            Self::Ended(_) | Self::Abandoned => Some(()),
        }
    }
}
