//! What a process does, for a status.

use core::fmt;

use super::event::Ending;
use crate::verdict::Phase;

/// What a process does, for a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LifePhase {
    /// The program initialises.
    Starting,
    /// It serves.
    Serving,
    /// It serves, and an upgrade runs; in no phase while a failed one is cleaned up.
    Upgrading(Option<Phase>),
    /// The next generation serves, and is in probation.
    Draining,
    /// It finishes what it has.
    Leaving(Ending),
    /// It may exit.
    Ended,
}

impl fmt::Display for LifePhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Upgrading(_) => "upgrading",
            Self::Draining => "draining",
            Self::Leaving(Ending::Upgraded(_)) => "leaving",
            Self::Leaving(Ending::Stopped) => "stopping",
            Self::Ended => "ended",
        })
    }
}
