//! The pilot: what the task of a connection looks at besides the connection itself, and what wakes
//! it: the course, one timer, and the queue for a permit to move.

use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::berth::{Rest, Ticket};
use crate::http::course::{Course, Helm};
use crate::http::permits::Permit;
use crate::http::timer::Timer;

/// One connection's pilot.
#[derive(Debug)]
pub(crate) struct Pilot {
    pub(crate) helm: Helm,
    timer: Timer,
    limits: Limits,
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For the first byte of a request.
    pub(crate) idle: Option<Duration>,
    /// From there to the end of its head.
    pub(crate) head: Option<Duration>,
}

/// What is waited for between two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    FirstByte,
    RestOfHead,
}

impl Pilot {
    pub(crate) const fn new(helm: Helm, limits: Limits) -> Self {
        Self { helm, timer: Timer::new(), limits }
    }

    /// The course of this connection. The task is woken when it changes.
    #[inline]
    pub(crate) fn poll_course(&mut self, context: &mut Context<'_>) -> Course {
        self.helm.poll_course(context)
    }

    /// Whether the client has taken too long. If not, the task is woken when it has.
    #[inline]
    pub(crate) fn poll_too_long(
        &mut self,
        awaited: Awaited,
        since: Instant,
        context: &mut Context<'_>,
    ) -> bool {
        let limit = match awaited {
            Awaited::FirstByte => self.limits.idle,
            Awaited::RestOfHead => self.limits.head,
        };
        // A time that no clock reaches is no limit.
        let deadline = limit.and_then(|limit| since.checked_add(limit));
        deadline.is_some_and(|deadline| self.timer.poll_passed(context, deadline))
    }

    /// Says whether the connection is between two requests in a process that will not go on: then
    /// to cut it loses nothing.
    #[inline]
    pub(crate) fn set_idle(&self, is_idle: bool) {
        let rest = match is_idle {
            false => Rest::Busy,
            true if self.helm.stays() => Rest::Idle,
            true => Rest::Counted,
        };
        self.helm.mooring().set_rest(rest);
    }

    /// Whether there is a permit to move. If not, the task is woken when there is. To be asked
    /// after the course.
    pub(crate) fn has_permit(&self) -> bool {
        let mooring = self.helm.mooring();
        if mooring.berth().ticket() == Ticket::None {
            mooring.ask();
        }
        mooring.berth().ticket() == Ticket::Granted
    }

    /// Whether it waits for its permit to move.
    pub(crate) fn is_queued(&self) -> bool {
        self.helm.mooring().berth().ticket() == Ticket::Queued
    }

    /// The permit, if it is there; none is wanted until the next is asked for.
    #[inline]
    pub(crate) fn take_permit(&self) -> Option<Permit> {
        self.helm.mooring().take_permit()
    }

    /// No permit is wanted now, at the course that was asked for. If it has turned since, the task
    /// is woken to ask again: what was given up may be the call that came with the turn.
    pub(crate) fn give_up_permit(&self) {
        drop(self.take_permit());
        // After that: the course turns before anybody is called.
        if self.helm.has_turned() {
            self.helm.mooring().berth().wake();
        }
    }

    /// The connection does not move any more, whatever the course.
    pub(crate) fn stand_aside(&self) {
        self.helm.mooring().set_aside(true);
    }
}
