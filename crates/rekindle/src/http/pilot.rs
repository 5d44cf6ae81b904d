//! The pilot: what the task of a connection looks at besides the connection itself, and what wakes
//! it: the course, one timer, and the queue for a permit to move.

use std::fmt;
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::course::{Course, Helm};
use crate::http::permits::{Permit, Permits, Ticket};
use crate::http::timer::Timer;
use crate::tracker::{Resting, Tracker};

/// One connection's pilot.
pub(crate) struct Pilot {
    pub(crate) helm: Helm,
    tracker: Tracker,
    /// While the connection only waits to leave or to be closed. Nobody else looks at it.
    resting: Option<Resting>,
    timer: Timer,
    permits: Permits,
    ticket: Ticket,
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
    pub(crate) const fn new(
        helm: Helm,
        tracker: Tracker,
        permits: Permits,
        limits: Limits,
    ) -> Self {
        Self {
            helm,
            tracker,
            resting: None,
            timer: Timer::new(),
            permits,
            ticket: Ticket::None,
            limits,
        }
    }

    /// The course of this connection. The task is woken when it changes.
    pub(crate) fn poll_course(&mut self, context: &mut Context<'_>) -> Course {
        self.helm.poll_course(context)
    }

    /// Whether the client has taken too long. If not, the task is woken when it has.
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
    pub(crate) fn set_idle(&mut self, is_idle: bool) {
        let rests = is_idle && !self.helm.stays();
        if rests != self.resting.is_some() {
            self.resting = rests.then(|| self.tracker.rest());
        }
    }

    /// Whether there is a permit to move. If not, the task is woken when there is.
    pub(crate) fn poll_permit(&mut self, context: &mut Context<'_>) -> bool {
        self.ticket.poll(&self.permits, context)
    }

    /// Whether it waits for its permit to move.
    pub(crate) const fn is_queued(&self) -> bool {
        self.ticket.is_queued()
    }

    /// The permit, if it is there; none is wanted any more.
    pub(crate) fn take_permit(&mut self) -> Option<Permit> {
        self.ticket.take()
    }
}

impl fmt::Debug for Pilot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { helm, limits, .. } = self;
        formatter.debug_struct("Pilot").field("helm", helm).field("limits", limits).finish()
    }
}
