//! Why a request to a process is refused.

use crate::generation::Generation;
use crate::verdict::Phase;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The program has not said that it is ready.
    #[error("this process is still starting: try again once it serves")]
    NotReady,
    /// Another upgrade runs.
    #[error("another upgrade is running ({0}): wait for its verdict")]
    UpgradeInProgress(Phase),
    /// Another upgrade failed, and its process is being ended.
    #[error("another upgrade has just failed and is being cleaned up: try again at once")]
    UpgradeEnding,
    /// The process was replaced.
    #[error("generation {0} has taken over: ask that one")]
    Replaced(Generation),
    /// The process was asked to stop.
    #[error("this process is stopping")]
    Stopping,
    /// There is nothing to hammer.
    #[error("nothing is draining")]
    NothingDrains,
}

impl Refusal {
    /// A short word for scripts, stable across versions, such as `not-ready`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotReady => "not-ready",
            Self::UpgradeInProgress(_) => "upgrade-in-progress",
            Self::UpgradeEnding => "upgrade-ending",
            Self::Replaced(_) => "replaced",
            Self::Stopping => "stopping",
            Self::NothingDrains => "nothing-drains",
        }
    }
}
