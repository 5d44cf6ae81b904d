//! A listener of our own (control socket, rendezvous) that the driver accepts on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use tracing::warn;

use crate::gate::Door;
use crate::held::Held;

/// How long nothing is accepted after an error that stays, such as too many open descriptors:
/// the listener stays readable, and nothing would be won by trying at once.
const REST: Duration = Duration::from_millis(100);

/// A listener and when it may be tried again.
#[derive(Debug)]
pub(super) struct Porter {
    held: Option<Arc<Held>>,
    rest_until: Option<Instant>,
}

impl Porter {
    pub(super) const fn new(held: Option<Arc<Held>>) -> Self {
        Self { held, rest_until: None }
    }

    /// The descriptor to wait on, as long as this process is to accept.
    pub(super) fn waiting(&self) -> Option<BorrowedFd<'_>> {
        let held = self.held.as_ref().filter(|held| held.gate.door() == Door::Open)?;
        self.rest_until.is_none().then(|| held.descriptor.as_fd())
    }

    /// Takes the next one who came.
    pub(super) fn accept(&mut self) -> Option<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match accept_with(self.waiting()?, flags) {
            Ok(descriptor) => Some(descriptor),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => None,
            Err(error) => {
                warn!(%error, "whoever came to our own socket has to wait");
                self.rest_until = Some(Instant::now() + REST);
                None
            }
        }
    }

    /// Ends a rest that is over.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.rest_until.is_some_and(|until| now >= until) {
            self.rest_until = None;
        }
    }

    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.rest_until
    }

    /// Whether it is this listener.
    pub(super) fn is_at(&self, held: &Arc<Held>) -> bool {
        self.held.as_ref().is_some_and(|ours| Arc::ptr_eq(ours, held))
    }

    /// Accepts no more, for good. One that nobody took over is gone by that.
    pub(super) fn close(&mut self) {
        if let Some(held) = self.held.take().filter(|held| held.gate.door() == Door::Open) {
            held.last_call();
            held.remove_path();
        }
    }
}
