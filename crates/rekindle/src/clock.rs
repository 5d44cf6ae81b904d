//! The driver's clock: the machines' moments on the system's monotonic clock.

use std::time::{Duration, Instant as SystemInstant};

use rekindle_core::Instant;

/// A clock that starts at its epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: SystemInstant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { epoch: SystemInstant::now() }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::after_epoch(self.epoch.elapsed())
    }

    /// How long it is from now until `moment`.
    pub(crate) fn until(self, moment: Instant) -> Duration {
        moment.since(self.now())
    }
}
