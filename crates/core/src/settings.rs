//! The durations and limits that the machines keep to.

use core::time::Duration;

/// What an operator may choose. The defaults are the documented ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a new process may take until it is ready: 60 s.
    pub start_timeout: Duration,
    /// How long the old process may take to finish what it has, before the hammer falls: 60 s.
    pub drain_timeout: Duration,
    /// How long the old process keeps the means to resume after the commit: 10 s.
    pub probation: Duration,
    /// How many older generations may drain at once, before the oldest is hammered: 8.
    pub draining_limit: usize,
}

impl Settings {
    /// How long a program file that is being written is tried again, and how often.
    pub(crate) const TEXT_BUSY_RETRY: Duration = Duration::from_millis(50);
    pub(crate) const TEXT_BUSY_TRIES: u32 = 40;

    /// How long a new process that closed its channel is given to exit, so that the verdict can
    /// say how it ended, before it is killed.
    pub(crate) const EXIT_GRACE: Duration = Duration::from_secs(1);

    /// How long a new process may take from the commit until it says that it serves. Nobody
    /// accepts in between, so this is not for the operator to make long.
    pub(crate) const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(5);

    /// How long a process that was told to stop at once is given to return from `main`, before
    /// the signal's default action ends it.
    pub(crate) const STOP_NOW_GRACE: Duration = Duration::from_secs(1);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(60),
            probation: Duration::from_secs(10),
            draining_limit: 8,
        }
    }
}
