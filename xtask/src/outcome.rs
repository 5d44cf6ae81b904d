//! How a step of CI ended.

use std::fmt;

/// How a step of CI ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Passed,
    /// All that could be checked is well; this could not be.
    PassedWithout(String),
    /// Nothing could be checked, for this reason.
    Skipped(String),
    /// Something is wrong.
    Failed(String),
}

impl Outcome {
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }

    /// The outcome of a program that says by itself what is wrong.
    pub(crate) fn of(success: bool) -> Self {
        if success { Self::Passed } else { Self::failed("see above") }
    }

    /// Whether CI goes on.
    pub(crate) const fn passed(&self) -> bool {
        match self {
            Self::Passed | Self::PassedWithout(_) | Self::Skipped(_) => true,
            Self::Failed(_) => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => formatter.write_str("passed"),
            Self::PassedWithout(what) => write!(formatter, "passed, without {what}"),
            Self::Skipped(why) => write!(formatter, "skipped: {why}"),
            Self::Failed(why) => write!(formatter, "FAILED: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_stops_ci() {
        assert!(Outcome::Passed.passed());
        assert!(Outcome::PassedWithout("advisories".into()).passed());
        assert!(Outcome::skipped("no tool").passed());
        assert!(!Outcome::failed("a lint").passed());
        assert_eq!(Outcome::of(true), Outcome::Passed);
        assert!(!Outcome::of(false).passed());
    }

    #[test]
    fn what_was_left_out_is_said() {
        let outcome = Outcome::PassedWithout("advisories: no database".into());
        assert_eq!(outcome.to_string(), "passed, without advisories: no database");
        assert_eq!(Outcome::skipped("no tool").to_string(), "skipped: no tool");
    }
}
