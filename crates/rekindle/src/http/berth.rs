//! A berth: where the task of one connection is found by those who tell it that the course has
//! turned, or that it has a permit to move. It holds flags, and decides nothing.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// One connection's berth.
pub(crate) struct Berth {
    ticket: AtomicU8,
    rest: AtomicU8,
    /// It does not want any permit. Changed under the lock of the permits only.
    is_aside: AtomicBool,
    /// It is in the list of those that wait for one. Changed under that lock only.
    is_listed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// What a connection has of a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ticket {
    None = 0,
    Queued = 1,
    Granted = 2,
}

/// Whether a connection does nothing but wait for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Rest {
    /// There is something to be done.
    Busy = 0,
    /// It waits, in a process that goes on.
    Idle = 1,
    /// It waits, and counts as one that rests.
    Counted = 2,
}

impl Berth {
    pub(crate) const fn new() -> Self {
        Self {
            ticket: AtomicU8::new(Ticket::None as u8),
            rest: AtomicU8::new(Rest::Busy as u8),
            is_aside: AtomicBool::new(false),
            is_listed: AtomicBool::new(false),
            waker: Mutex::new(None),
        }
    }

    #[inline]
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket::of(self.ticket.load(Ordering::SeqCst))
    }

    /// Returns what it was.
    pub(crate) fn set_ticket(&self, ticket: Ticket) -> Ticket {
        Ticket::of(self.ticket.swap(ticket as u8, Ordering::SeqCst))
    }

    /// Whether it was `from`, and is `to` now.
    pub(crate) fn turn_ticket(&self, from: Ticket, to: Ticket) -> bool {
        let (from, to) = (from as u8, to as u8);
        self.ticket.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    #[inline]
    pub(crate) fn rest(&self) -> Rest {
        Rest::of(self.rest.load(Ordering::SeqCst))
    }

    /// Returns what it was.
    pub(crate) fn set_rest(&self, rest: Rest) -> Rest {
        Rest::of(self.rest.swap(rest as u8, Ordering::SeqCst))
    }

    /// Whether it was idle, and is to be counted now.
    pub(crate) fn begins_to_count(&self) -> bool {
        let (from, to) = (Rest::Idle as u8, Rest::Counted as u8);
        self.rest.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn is_aside(&self) -> bool {
        self.is_aside.load(Ordering::SeqCst)
    }

    pub(crate) fn set_aside(&self, is_aside: bool) {
        self.is_aside.store(is_aside, Ordering::SeqCst);
    }

    /// Returns whether it was listed before.
    pub(crate) fn set_listed(&self, is_listed: bool) -> bool {
        self.is_listed.swap(is_listed, Ordering::SeqCst)
    }

    /// Whom to wake from here on.
    pub(crate) fn set_waker(&self, waker: Option<Waker>) {
        let before = std::mem::replace(&mut *self.lock(), waker);
        drop(before);
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &*self.lock() {
            waker.wake_by_ref();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Queued,
            _ => Self::Granted,
        }
    }
}

impl Rest {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Busy,
            1 => Self::Idle,
            _ => Self::Counted,
        }
    }
}

impl fmt::Debug for Berth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Berth")
            .field("ticket", &self.ticket())
            .field("rest", &self.rest())
            .finish_non_exhaustive()
    }
}
