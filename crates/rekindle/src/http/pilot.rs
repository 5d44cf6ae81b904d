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
    timer: Timer,
    permits: Permits,
    ticket: Ticket,
    limits: Limits,
    tracker: Tracker,
    resting: Option<Resting>,
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
    pub(crate) fn new(helm: Helm, permits: Permits, limits: Limits, tracker: Tracker) -> Self {
        let (timer, ticket) = (Timer::new(), Ticket::None);
        Self { helm, timer, permits, ticket, limits, tracker, resting: None }
    }

    /// The course of this connection. The task is woken when it changes.
    pub(crate) fn poll_course(&mut self, context: &mut Context<'_>) -> Course {
        self.helm.poll_course(context)
    }

    /// Says that the task waits with nothing begun, on this course: to cut the connection now
    /// would lose nothing, and is not counted as a loss. Who is served on need not say it, so that
    /// a request costs no more.
    pub(crate) fn rest(&mut self, course: Course) {
        if course != Course::Stay && self.resting.is_none() {
            self.resting = Some(self.tracker.resting_one());
        }
    }

    /// The task looks at the connection again.
    pub(crate) fn wake(&mut self) {
        self.resting = None;
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
        limit.is_some_and(|limit| self.timer.poll_passed(context, since + limit))
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
