//! What goes wrong with the asking for a restart. Refuses to say what the server made of it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::restart::signal::SignalName;

/// Why a restart could not be asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestartError {
    /// The command could not be started.
    #[error("run `{command}`: {source}")]
    Start {
        /// The command, as it was given.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// The command says that it failed.
    #[error("run `{command}`: it ended with {status}{}", Said(.output))]
    Failed {
        /// The command, as it was given.
        command: String,
        /// What it ended with.
        status: ExitStatus,
        /// The last lines of its output and error output.
        output: String,
    },
    /// The command did not end in time; it was killed.
    #[error("run `{command}`: it still ran after {limit:?} and was killed{}", Said(.output))]
    TooLong {
        /// The command, as it was given.
        command: String,
        /// Its time limit.
        limit: Duration,
        /// The last lines of its output and error output.
        output: String,
    },
    /// The signal could not be sent.
    #[error("send {signal} to process {pid}: {source}{}", hint(.source))]
    Signal {
        /// The signal.
        signal: SignalName,
        /// The process that it was for.
        pid: u32,
        /// What the system says.
        source: io::Error,
    },
    /// The pid file could not be read.
    #[error(
        "read the pid file `{}`: {source}; does the server run, and write it?",
        .path.display()
    )]
    PidFile {
        /// The pid file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no pid in the pid file.
    #[error("read the pid file `{}`: its first line is `{line}`, not a pid", .path.display())]
    NoPid {
        /// The pid file.
        path: PathBuf,
        /// The start of its first line.
        line: String,
    },
    /// Another way to restart failed.
    #[error("{reason}")]
    Other {
        /// What failed and why.
        reason: String,
    },
}

impl RestartError {
    /// For ways to restart that are not of this crate: what failed, and why.
    #[must_use]
    pub fn other(reason: impl fmt::Display) -> Self {
        Self::Other { reason: reason.to_string() }
    }
}

/// What a command said, after what became of it.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => formatter.write_str(" and said nothing"),
            output if output.contains('\n') => write!(formatter, "; its last lines:\n{output}"),
            output => write!(formatter, ": {output}"),
        }
    }
}

/// What to think of when a signal did not arrive.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "; run as the user of that process",
        _ if source.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            "; the pid is stale: that process has ended"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_failed_command_is_quoted() {
        let failed = |output: &str| RestartError::Failed {
            command: "reload x".to_owned(),
            status: ExitStatus::from_raw(1 << 8),
            output: output.to_owned(),
        };
        assert_eq!(
            failed("").to_string(),
            "run `reload x`: it ended with exit status: 1 and said nothing"
        );
        assert_eq!(
            failed("no x").to_string(),
            "run `reload x`: it ended with exit status: 1: no x"
        );
        let many = failed("a\nb").to_string();
        assert!(many.ends_with("exit status: 1; its last lines:\na\nb"), "{many}");
    }

    #[test]
    fn a_signal_that_did_not_arrive_says_what_to_do() {
        let sent = |errno: rustix::io::Errno| RestartError::Signal {
            signal: "HUP".parse().unwrap(),
            pid: 7,
            source: errno.into(),
        };
        let stale = sent(rustix::io::Errno::SRCH).to_string();
        assert!(stale.starts_with("send SIGHUP to process 7: No such process"), "{stale}");
        assert!(stale.ends_with("the pid is stale: that process has ended"), "{stale}");
        let foreign = sent(rustix::io::Errno::PERM).to_string();
        assert!(foreign.ends_with("run as the user of that process"), "{foreign}");
    }
}
