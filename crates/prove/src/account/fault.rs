//! A failure as the one who meets it knows it. Refuses to know when it was, and to whom.

use std::io;

use rustix::io::Errno;

use crate::account::cause::Cause;
use crate::account::failure::FailureKind;
use crate::wrong::WrongAnswer;

/// A failure as the one who meets it knows it: which counter, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FailureKind,
    pub(crate) cause: Cause,
}

impl Fault {
    pub(crate) const LOST: Self = Self { kind: FailureKind::Lost, cause: Cause::EndOfFile };
    pub(crate) const TIMED_OUT: Self =
        Self { kind: FailureKind::TimedOut, cause: Cause::TimeLimit };

    /// An error under a request.
    pub(crate) fn broken(error: &io::Error) -> Self {
        let cause = error.into();
        let kind = match (cause, error.kind()) {
            (Cause::CutTls, _) => FailureKind::Lost,
            (Cause::Answer(_), _) => FailureKind::Wrong,
            (_, io::ErrorKind::TimedOut) => FailureKind::TimedOut,
            _ => FailureKind::Reset,
        };
        Self { kind, cause }
    }

    /// A connection that ended under a request, by what was seen of its end.
    pub(crate) fn cut(cause: Cause) -> Self {
        let timed_out = Errno::TIMEDOUT.raw_os_error();
        let kind = match cause {
            Cause::EndOfFile | Cause::CutTls => FailureKind::Lost,
            Cause::Answer(_) => FailureKind::Wrong,
            Cause::System { errno } if errno == timed_out => FailureKind::TimedOut,
            _ => FailureKind::Reset,
        };
        Self { kind, cause }
    }
}

impl From<WrongAnswer> for Fault {
    fn from(wrong: WrongAnswer) -> Self {
        Self { kind: FailureKind::Wrong, cause: wrong.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_under_a_request_is_a_reset_unless_time_ran_out() {
        let reset = io::Error::from_raw_os_error(rustix::io::Errno::CONNRESET.raw_os_error());
        let timeout = io::Error::from_raw_os_error(rustix::io::Errno::TIMEDOUT.raw_os_error());
        assert_eq!(Fault::broken(&reset).kind, FailureKind::Reset);
        assert_eq!(Fault::broken(&timeout).kind, FailureKind::TimedOut);
    }
}
