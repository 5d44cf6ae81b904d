//! One attempt to accept: what both faces do with a listener, without waiting.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::SocketKind;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, acceptfrom_with};
use tracing::{debug, warn};

use crate::gate::{Door, Gate};
use crate::held::{Attendance, Held};
use crate::moves::Outbox;
use crate::shared::Shared;
use crate::telemetry;
use crate::tracker::{Guard, Tracker};

/// How many connections are passed over at once. Some of the errors of one connection, such as
/// `EPERM`, can also be the refusal of a security module, which takes nothing out of the queue.
const PASSED_OVER_LIMIT: usize = 64;

/// A listener to accept on.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    held: Arc<Held>,
    tracker: Tracker,
    outbox: Outbox,
    _attendance: Attendance,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    Accepted(Accepted),
    /// The queue is empty.
    Empty,
    /// This process does not accept now.
    Shut,
    /// It never will again.
    Ended,
    /// The system lacks something: wait, and try again.
    Exhausted,
}

/// A new connection, which counts as in flight.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) descriptor: OwnedFd,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) guard: Guard,
}

impl Acceptor {
    pub(crate) fn new(held: Arc<Held>, shared: &Shared) -> Self {
        let attendance = held.attend();
        let (tracker, outbox) = (shared.tracker.clone(), shared.outbox.clone());
        Self { held, tracker, outbox, _attendance: attendance }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.held.gate
    }

    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.held
    }

    pub(crate) const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Accepts one connection, if one waits. It counts before the gate is looked at, so that a
    /// drain that begins in between waits for it; until it is there, to cut it is no loss.
    pub(crate) fn attempt(&self, flags: SocketFlags) -> Attempt {
        let trial = self.tracker.trial();
        let door = self.gate().door();
        match door {
            Door::Shut => return Attempt::Shut,
            Door::Ended => return Attempt::Ended,
            Door::Open | Door::LastCall => {}
        }
        for _ in 0..PASSED_OVER_LIMIT {
            return match self.accept(flags) {
                Ok((descriptor, peer)) => {
                    let guard = trial.succeed();
                    Attempt::Accepted(Accepted { descriptor, peer, guard })
                }
                Err(Errno::AGAIN) if door == Door::LastCall => {
                    self.held.end();
                    Attempt::Ended
                }
                Err(Errno::AGAIN) => Attempt::Empty,
                // The listener was shut down: for it, it is over.
                Err(Errno::INVAL) => Attempt::Ended,
                Err(error) if is_of_the_connection(error) => {
                    debug!(listener = %self.held.name(), %error, "a connection was gone already");
                    continue;
                }
                Err(error) => {
                    telemetry::accept_error();
                    warn!(listener = %self.held.name(), %error, "clients have to wait");
                    Attempt::Exhausted
                }
            };
        }
        warn!(listener = %self.held.name(), "one connection after the other is gone: a rest");
        Attempt::Exhausted
    }
}

impl Acceptor {
    /// The client's address is asked for on TCP only: names of Unix clients are theirs to choose,
    /// and rustix 1.1.6 panics at one that fills its field to the last byte.
    fn accept(&self, flags: SocketFlags) -> Result<(OwnedFd, Option<SocketAddr>), Errno> {
        let listener = self.held.descriptor.as_fd();
        if self.held.entry.kind != SocketKind::Tcp {
            return Ok((accept_with(listener, flags)?, None));
        }
        let (descriptor, peer) = acceptfrom_with(listener, flags)?;
        Ok((descriptor, peer.and_then(|peer| SocketAddr::try_from(peer).ok())))
    }
}

/// Errors that accept(2) reports and that concern this one connection only.
fn is_of_the_connection(error: Errno) -> bool {
    matches!(
        error,
        Errno::INTR
            | Errno::CONNABORTED
            | Errno::PERM
            | Errno::PROTO
            | Errno::NOPROTOOPT
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NONET
            | Errno::OPNOTSUPP
    )
}

/// How long to wait while the system lacks something, such as descriptors: the connection stays
/// in the queue meanwhile.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(crate) const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(Self::LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_up_to_its_bound() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.next()).collect();
        assert_eq!(waits[0], Backoff::FIRST);
        assert_eq!(waits[1], Backoff::FIRST * 2);
        assert_eq!(waits[9], Backoff::LONGEST);
    }
}
