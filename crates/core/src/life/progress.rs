//! What the newest process is told of a drain: how much is left, now and then.

use core::time::Duration;

use crate::drain::Drain;
use crate::message::Message;
use crate::time::Instant;

/// How often a draining process tells the newest one how much it still has.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// When the newest process is told next; never more once it was told that nothing is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    next: Option<Instant>,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self { next: Some(now + PROGRESS_INTERVAL) }
    }

    /// The message to send now, if it is time or nothing is left. It is sent without news too:
    /// the newest process may not be the one that was told last.
    pub(super) fn message(&mut self, now: Instant, count: u64) -> Option<Message> {
        if now < self.next? && count > 0 {
            return None;
        }
        self.next = (count > 0).then(|| now + PROGRESS_INTERVAL);
        Some(Message::InFlight { count })
    }

    /// When to count again, as long as the drain runs.
    pub(super) fn poll_timeout(&self, drain: &Drain) -> Option<Instant> {
        let deadline = drain.poll_timeout()?;
        Some(self.next.map_or(deadline, |next| next.min(deadline)))
    }
}
