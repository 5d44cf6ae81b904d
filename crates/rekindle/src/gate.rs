//! The gate of one listener: whether this process accepts on it now.
//!
//! ```text
//!          ready, committed          committed a successor          confirmed
//!   Shut ───────────────────► Open ──────────────────────► Shut ─────────────► Ended
//!                              │ ▲      rolled back         │                    ▲
//!                              │ └──────────────────────────┘                    │
//!                              │ asked to stop, or not claimed                   │
//!                              └────────────────────────────────► LastCall ──────┘
//!                                                                     queue empty
//! ```
//!
//! The listening socket itself is not touched: while the gate is shut, connections wait in the
//! kernel's queue for whoever accepts them. A listener that nobody will accept on any more has a
//! last call: what is in its queue is still taken.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, OnceLock};

use rekindle_unix::Bell;

use crate::watch::Watch;

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Shut,
    Open,
    LastCall,
    Ended,
}

/// A gate. Clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    door: Watch<Door>,
    /// Readable while the gate is not open, for threads that wait in `poll(2)`. Only those who
    /// need it pay for the descriptor.
    not_open: OnceLock<Bell>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let inner = Inner { door: Watch::new(Door::Shut), not_open: OnceLock::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Sets the door. One that has ended stays so.
    pub(crate) fn set(&self, door: Door) {
        self.inner.door.change(|current| {
            if *current != Door::Ended {
                *current = door;
            }
            if let Some(bell) = self.inner.not_open.get() {
                signal(bell, *current);
            }
        });
    }

    pub(crate) fn door(&self) -> Door {
        self.inner.door.look(|door| *door)
    }

    /// Waits, in a task, until there is something to accept, at a gate that is open or has its
    /// last call. Returns whether it is so: else it has ended.
    pub(crate) async fn opened(&self) -> bool {
        self.inner.door.until(not_shut).await
    }

    /// The same in a thread.
    pub(crate) fn opened_blocking(&self) -> bool {
        self.inner.door.until_blocking(not_shut)
    }

    /// Waits, in a task, until the gate is not open.
    pub(crate) async fn closed(&self) {
        self.inner.door.until(|door| (*door != Door::Open).then_some(())).await;
    }

    /// What is readable while the gate is not open.
    pub(crate) fn not_open(&self) -> io::Result<BorrowedFd<'_>> {
        if let Some(bell) = self.inner.not_open.get() {
            return Ok(bell.as_fd());
        }
        let bell = Bell::new()?;
        // Under the door's lock, so that no change slips in between.
        self.inner.door.change(|door| {
            signal(self.inner.not_open.get_or_init(|| bell), *door);
        });
        Ok(self.inner.not_open.get().expect("it was set just now").as_fd())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the watch passes references")]
fn not_shut(door: &Door) -> Option<bool> {
    match door {
        Door::Shut => None,
        Door::Open | Door::LastCall => Some(true),
        Door::Ended => Some(false),
    }
}

fn signal(bell: &Bell, door: Door) {
    match door {
        Door::Open => {
            bell.silence();
        }
        Door::Shut | Door::LastCall | Door::Ended => bell.ring(),
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn readable(gate: &Gate) -> bool {
        let mut set = [PollFd::from_borrowed_fd(gate.not_open().unwrap(), PollFlags::IN)];
        poll(&mut set, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn the_descriptor_is_readable_while_the_gate_is_not_open() {
        let gate = Gate::new();
        assert!(readable(&gate));
        gate.set(Door::Open);
        assert!(!readable(&gate));
        gate.set(Door::Shut);
        assert!(readable(&gate));
    }

    #[test]
    fn an_ended_gate_stays_so() {
        let gate = Gate::new();
        gate.set(Door::Ended);
        gate.set(Door::Open);
        assert_eq!(gate.door(), Door::Ended);
        assert!(!gate.opened_blocking());
    }
}
