//! How far an upgrade has come, and how it ended.

use core::fmt;

use crate::reason::Reason;

/// How far an upgrade has come: what the old side waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The new process is being started.
    Spawning,
    /// It runs; its first word on the channel is awaited.
    Greeting,
    /// It has the offer; the program initialises.
    Starting,
    /// It was told to take over; its word that it serves is awaited.
    Committing,
    /// It serves; the old one could still resume.
    Probation,
}

impl Phase {
    /// The phase as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spawning => "spawning",
            Self::Greeting => "greeting",
            Self::Starting => "starting",
            Self::Committing => "committing",
            Self::Probation => "probation",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What ended the probation of a new process well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confirmation {
    /// It lived through the whole of it.
    Probation,
    /// It said so: it made an offer to a successor of its own, or it was asked to stop.
    Successor,
    /// The old process was asked to stop, and gave up the means to resume.
    OldStopped,
}

/// How an upgrade ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The new process took over, for good.
    Committed(Confirmation),
    /// The new process never took over; the old one never stopped accepting.
    Aborted {
        /// What was awaited when it failed.
        phase: Phase,
        /// Why.
        reason: Reason,
    },
    /// The new process died in probation; the old one accepts again.
    RolledBack {
        /// Why.
        reason: Reason,
    },
}

impl Verdict {
    /// The verdict as one lower-case word: `committed`, `aborted` or `rolled-back`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Committed(_) => "committed",
            Self::Aborted { .. } => "aborted",
            Self::RolledBack { .. } => "rolled-back",
        }
    }

    /// Whether the new process serves.
    #[must_use]
    pub const fn is_committed(&self) -> bool {
        matches!(self, Self::Committed(_))
    }

    /// Why the upgrade did not come to its end, if it did not.
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Committed(_) => None,
            Self::Aborted { reason, .. } | Self::RolledBack { reason } => Some(reason),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed(_) => formatter.write_str("committed"),
            Self::Aborted { phase, reason } => {
                write!(formatter, "aborted while {phase}: {reason}")
            }
            Self::RolledBack { reason } => write!(formatter, "rolled back: {reason}"),
        }
    }
}
