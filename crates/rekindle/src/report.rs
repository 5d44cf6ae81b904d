//! What a program and its operator are told at the end: of an upgrade, and of a life.

use std::process::ExitCode;
use std::time::Duration;

use rekindle_core::{DrainEnd, DrainReport, Ending, Generation, Phase, Verdict};

/// The exit status of a program whose drain ended with the hammer: something was cut.
pub const EXIT_CUT: u8 = 3;

/// How one upgrade ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpgradeReport {
    /// Committed, aborted or rolled back, and why.
    pub verdict: Verdict,
    /// The generation that the new process was to be.
    pub generation: Generation,
    /// The new process's id, if one was started.
    pub pid: Option<u32>,
    /// How long the whole upgrade took, probation included.
    pub took: Duration,
    /// When each phase began, from the request on.
    pub phases: Vec<(Phase, Duration)>,
}

/// How one process's service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whether a next generation took over or the service was stopped.
    pub ending: Ending,
    /// Whether all that was in flight was finished, or what ended it.
    pub end: DrainEnd,
    /// How much was in flight when the drain began.
    pub at_start: u64,
    /// How much was cut: the only loss there is.
    pub cut: u64,
    /// How many connections were closed at the end that only waited for it, such as kept ones
    /// between two requests.
    pub rested: u64,
    /// How many connections newer processes took over.
    pub moved: u64,
    /// How long the drain took.
    pub took: Duration,
}

impl Report {
    pub(crate) const fn new(ending: Ending, drain: DrainReport) -> Self {
        let DrainReport { end, at_start, cut, rested, moved, took } = drain;
        Self { ending, end, at_start, cut, rested, moved, took }
    }

    /// The exit status for this report: 0 if nothing was cut, else [`EXIT_CUT`].
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.cut == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_CUT) }
    }
}
