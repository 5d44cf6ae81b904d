//! What the newest process is told of a drain: not every change, and never nothing new.

use core::time::Duration;

use crate::drain::Drain;
use crate::message::Message;
use crate::time::Instant;

/// How often a draining process tells the newest one how much it still has.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// What the newest process was last told of our drain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    told: Option<u64>,
    next: Instant,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            told: None,
            next: now + PROGRESS_INTERVAL,
        }
    }

    /// The message to send now, if there is news and the last was long enough ago. That nothing
    /// is left is said at once, since a drain that is over counts no more.
    pub(super) fn message(&mut self, now: Instant, count: u64) -> Option<Message> {
        if now < self.next && count > 0 {
            return None;
        }
        self.next = now + PROGRESS_INTERVAL;
        let news = self.told != Some(count);
        self.told = Some(count);
        news.then_some(Message::InFlight { count })
    }

    /// When to count again, as long as the drain runs.
    pub(super) fn poll_timeout(&self, drain: &Drain) -> Option<Instant> {
        Some(drain.poll_timeout()?.min(self.next))
    }
}
