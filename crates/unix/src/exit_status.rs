//! `ExitStatus`: how a child ended.
//!
//! Owns the words for it. Refuses to wait for anything, which is `child`.

use std::fmt;

use rustix::process::WaitIdStatus;

use crate::signal::Signal;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It exited by itself with this status, 0 to 255.
    Code(i32),
    /// The signal with this number ended it; real-time signals are possible.
    Signal(i32),
    /// It has ended, but its status went elsewhere: another part of this program waits for any
    /// child, or ignores `SIGCHLD` so that the kernel keeps no status at all.
    Unknown,
}

impl ExitStatus {
    /// Whether it exited with status 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, ExitStatus::Code(0))
    }

    /// Reads what waitid(2) told of a process that has ended.
    pub(crate) fn from_waited(status: &WaitIdStatus) -> ExitStatus {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => ExitStatus::Code(code),
            (None, Some(signal)) => ExitStatus::Signal(signal),
            // `waitid` is asked for ended processes only, and these end in one of two ways.
            (None, None) => ExitStatus::Unknown,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ExitStatus::Code(code) => write!(f, "exited with status {code}"),
            ExitStatus::Signal(number) => match Signal::from_number(number) {
                Some(signal) => write!(f, "was killed by {signal}"),
                None => write!(f, "was killed by signal {number}"),
            },
            ExitStatus::Unknown => f.write_str("ended with a status that is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_reads_as_a_sentence_about_the_process() {
        let texts = [
            (ExitStatus::Code(0), "exited with status 0"),
            (ExitStatus::Code(3), "exited with status 3"),
            (ExitStatus::Signal(libc::SIGKILL), "was killed by SIGKILL"),
            (ExitStatus::Signal(60), "was killed by signal 60"),
            (ExitStatus::Unknown, "ended with a status that is not known"),
        ];
        for (status, text) in texts {
            assert_eq!(status.to_string(), text);
        }
    }

    #[test]
    fn only_status_zero_is_a_success() {
        assert!(ExitStatus::Code(0).is_success());
        assert!(!ExitStatus::Code(1).is_success());
        assert!(!ExitStatus::Signal(0).is_success());
        assert!(!ExitStatus::Unknown.is_success());
    }
}
