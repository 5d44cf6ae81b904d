//! What a rule has to say about a place in the repository.

use std::fmt;

/// Whether a finding fails the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Warning,
    Failure,
}

/// A place that breaks a rule. Findings sort warnings first, so that failures are seen last, and
/// then by place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    path: String,
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn failure(
        path: &str,
        line: usize,
        rule: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { level: Level::Failure, path: path.into(), line, rule, message: message.into() }
    }

    pub(crate) fn warning(
        path: &str,
        line: usize,
        rule: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::failure(path, line, rule, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, path, line, rule, message } = self;
        let level = match level {
            Level::Warning => "warning: ",
            Level::Failure => "",
        };
        write!(formatter, "{path}:{line}: {level}{message} [{rule}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_editors_expect() {
        let failure = Finding::failure("src/a.rs", 7, "size", "101 columns");
        assert_eq!(failure.to_string(), "src/a.rs:7: 101 columns [size]");
        let warning = Finding::warning("src/a.rs", 7, "size", "long");
        assert_eq!(warning.to_string(), "src/a.rs:7: warning: long [size]");
    }

    #[test]
    fn failures_come_last() {
        let mut findings =
            [Finding::failure("a.rs", 1, "size", ""), Finding::warning("b.rs", 2, "size", "")];
        findings.sort_unstable();
        assert_eq!(findings[1].level, Level::Failure);
    }
}
