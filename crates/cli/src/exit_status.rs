//! `ExitStatus`: what the exit status of the command says.
//!
//! Owns the numbers, which are stable, and one line about each. Refuses to decide which one it is.

use std::process::ExitCode;

/// What the exit status of the command says. The numbers never change their meaning.
///
/// As with `diff` and `grep`, 0 and 1 are answers and 2 is trouble; from 3 on, a script learns why
/// a service did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ExitStatus {
    /// It is done, and nobody noticed.
    Done = 0,
    /// It is done, and clients noticed: `demo` or `prove` counted something, or `stop` cut what was
    /// in flight.
    Noticed = 1,
    /// It could not be tried or measured: the command line is wrong, or the system did not let it
    /// run.
    CouldNotRun = 2,
    /// The service does not run: nobody answers at the control socket, or no process has the pid.
    NotRunning = 3,
    /// The service, or the system, refused: it is not the moment, or not the user.
    Refused = 4,
    /// The upgrade was aborted. The old process never stopped serving.
    Aborted = 5,
    /// The new process took over and died in its probation. The old process serves again.
    RolledBack = 6,
    /// The time was over before the answer came. What was asked for may still happen.
    TimedOut = 7,
    /// The service ended, or said what is not understood, before the answer was whole.
    Lost = 8,
    /// A signal, such as Ctrl-C, ended the command early.
    Interrupted = 130,
}

impl ExitStatus {
    /// Every status, by number.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Noticed,
        Self::CouldNotRun,
        Self::NotRunning,
        Self::Refused,
        Self::Aborted,
        Self::RolledBack,
        Self::TimedOut,
        Self::Lost,
        Self::Interrupted,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it says, in a few words: the line of the table in `--help` and in docs/cli.md.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, and nobody noticed",
            Self::Noticed => {
                "done, and clients noticed: counted by `demo` or `prove`, or cut by `stop`"
            }
            Self::CouldNotRun => {
                "not tried or not measured: wrong usage, or the system did not let it run"
            }
            Self::NotRunning => "the service does not run",
            Self::Refused => "refused: not the moment, or not the user",
            Self::Aborted => "the upgrade was aborted; the old process never stopped serving",
            Self::RolledBack => "the upgrade was rolled back; the old process serves again",
            Self::TimedOut => "the time was over; what was asked for may still happen",
            Self::Lost => "the service ended, or was not understood, before it had answered",
            Self::Interrupted => "ended early by a signal, such as Ctrl-C",
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that scripts rely on, written down a second time.
    #[test]
    fn numbers_are_stable_and_sorted() {
        let codes: Vec<_> = ExitStatus::ALL.iter().map(|status| status.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]);
    }

    #[test]
    fn the_documentation_has_the_same_table() {
        let documentation = include_str!("../../../docs/cli.md");
        let rows: Vec<_> = documentation
            .lines()
            .skip_while(|line| !line.starts_with("## Exit statuses"))
            .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
            .collect();
        let expected: Vec<_> = ExitStatus::ALL
            .iter()
            .map(|status| format!("| {} | {} |", status.code(), status.meaning()))
            .collect();
        assert_eq!(rows, expected);
    }
}
