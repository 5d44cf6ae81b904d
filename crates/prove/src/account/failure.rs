//! The record of what went wrong, and when. Owns the bounded list; refuses to count: `tally` does.

use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use serde::{Serialize, Serializer};

use crate::group::Mode;
use crate::recognise::Responder;
use crate::wrong::{CertificateFlaw, WrongAnswer};

/// How many failures of each kind are kept in full: a storm of one kind must not hide another.
pub(crate) const KEPT_PER_KIND: u64 = 1_000;

/// One thing that a client saw go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// When it was seen, since the start of the load.
    #[serde(rename = "at_us", serialize_with = "crate::account::micros::serialize")]
    pub at: Duration,
    /// The counter that it is in.
    pub kind: FailureKind,
    /// What the client was doing.
    pub phase: Phase,
    /// Why, as closely as the client can tell.
    pub cause: Cause,
    /// The place of its group in the plan, from 0.
    pub group: usize,
    /// How its group uses connections.
    pub mode: Mode,
    /// The client's own TCP port, if it was connected: what to look for in the server's log.
    pub local_port: Option<u16>,
    /// How many requests the connection had answered before.
    pub answered_before: u64,
    /// Whether a close may have crossed the request; see [`Tally::crossed`](crate::Tally::crossed).
    pub crossed: bool,
    /// How many restarts had begun by then: the [`Window`](crate::Window) that it is counted in.
    pub restart: u32,
    /// Who answered last on this connection.
    pub last_responder: Option<Responder>,
    /// Who answered this client next, on another connection. `None` if nobody did, or was told.
    pub next_responder: Option<Responder>,
    /// The highest generation that had answered anywhere by then.
    pub newest_generation: Option<u64>,
}

/// The counter that a failure belongs to; see [`Tally`](crate::Tally) for what each one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection could be had.
    Refused,
    /// An error broke the connection under a request.
    Reset,
    /// End of file under a request.
    Lost,
    /// No whole answer in time.
    TimedOut,
    /// An answer that is not right.
    Wrong,
    /// The client's own machine was out of something.
    CouldNotMeasure,
    /// A kept connection ended between two requests.
    ClosedBetweenRequests,
    /// Bytes came between two requests.
    Unsolicited,
}

impl FailureKind {
    /// All kinds, in the order in which they are declared.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::Reset,
        Self::Lost,
        Self::TimedOut,
        Self::Wrong,
        Self::CouldNotMeasure,
        Self::ClosedBetweenRequests,
        Self::Unsolicited,
    ];
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Lost => "lost",
            Self::TimedOut => "timed out",
            Self::Wrong => "wrong answer",
            Self::CouldNotMeasure => "could not measure",
            Self::ClosedBetweenRequests => "closed between requests",
            Self::Unsolicited => "unsolicited bytes",
        })
    }
}

/// What a client was doing on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Opening a connection.
    Connecting,
    /// The connection is open; its TLS, or its WebSocket, is being agreed upon.
    Handshaking,
    /// Writing a request; no byte of the answer has come.
    Sending,
    /// The request is written; no byte of the answer has come.
    Awaiting,
    /// Some of the answer has come.
    Reading,
    /// The answer was the last one on this connection: waiting for the server to close it.
    Closing,
    /// No request is under way.
    Idle,
}

/// Why something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The system reported an error.
    #[error("{}", io::Error::from_raw_os_error(*errno))]
    System {
        /// The number of the error, from `errno.h`.
        errno: i32,
    },
    /// The server closed the connection.
    #[error("end of file")]
    EndOfFile,
    /// The server closed a connection with TLS and had not said that it would (`close_notify`, RFC
    /// 8446 §6.1): a process that ends in order says it, one that is killed does not.
    #[error("end of file without TLS's close_notify")]
    CutTls,
    /// The server ended TLS with an alert (RFC 8446 §6).
    #[error("TLS alert {code}: {:?}", rustls::AlertDescription::from(*code))]
    Alert {
        /// The number of the alert.
        code: u8,
    },
    /// The server said goodbye with the close frame of a WebSocket, and not what was asked for.
    #[error("goodbye with code {code}")]
    Goodbye {
        /// The code of the close frame (RFC 6455 §7.4): 1001 if the server goes away, 1012 if it
        /// restarts, 1005 if it did not say.
        code: u16,
    },
    /// The server's goodbye (GOAWAY, RFC 9113 §6.8) had crossed the request, and says that it was
    /// not processed.
    #[error("not processed: the server's goodbye had crossed it")]
    NotProcessed,
    /// The server refused a stream of HTTP/2 unprocessed (`REFUSED_STREAM`).
    #[error("stream refused, not processed")]
    StreamRefused,
    /// The server reset a stream of HTTP/2.
    #[error("stream reset: {}", h2::Reason::from(*code))]
    StreamReset {
        /// The error code (RFC 9113 §7).
        code: u32,
    },
    /// The time limit of a request was over.
    #[error("no whole answer within the time limit")]
    TimeLimit,
    /// The TCP connection came from the very address that it went to: the client met itself, since
    /// nobody listened and the kernel chose that port for the client's own end.
    #[error("nobody listened: the connection met itself")]
    SelfConnected,
    /// An answer came, and this is wrong with it.
    #[error("the answer is wrong: {0}")]
    Answer(#[from] WrongAnswer),
}

impl Cause {
    /// Whether a close has crossed the request, if the server says so. It says that it has by
    /// saying that the request was not processed.
    pub(crate) fn says_crossed(self) -> Option<bool> {
        match self {
            Self::NotProcessed | Self::StreamRefused => Some(true),
            Self::StreamReset { .. } => Some(false),
            _ => None,
        }
    }
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (of_tls, error.kind()) {
            (Some(error), _) => Self::from(error),
            (None, io::ErrorKind::UnexpectedEof) => Self::CutTls,
            // Errors of a socket call always carry their number; what has none is nobody's errno.
            (None, _) => Self::System { errno: error.raw_os_error().unwrap_or_default() },
        }
    }
}

impl From<&rustls::Error> for Cause {
    fn from(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::AlertReceived(alert) => Self::Alert { code: u8::from(*alert) },
            rustls::Error::InvalidCertificate(reason) => {
                WrongAnswer::Certificate { flaw: CertificateFlaw::from(reason) }.into()
            }
            _ => WrongAnswer::Tls.into(),
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

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

/// The failures of a whole load, the first ones of each kind. Locked on failures and restarts only.
///
/// The lock is also what divides time at a restart: a failure is counted and recorded before it or
/// after it, never counted before and recorded after.
#[derive(Debug, Default)]
pub(crate) struct FailureLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    failures: Vec<Failure>,
    seen: [u64; FailureKind::ALL.len()],
    restarts: u32,
}

impl FailureLog {
    /// Adds the failure that this makes, which is told how many restarts have begun, and which
    /// counts the failure too. Returns its place, if it is kept.
    pub(crate) fn add(&self, count: impl FnOnce(u32) -> Failure) -> Option<usize> {
        let mut kept = self.lock();
        let failure = count(kept.restarts);
        let seen = &mut kept.seen[failure.kind as usize];
        *seen += 1;
        (*seen <= KEPT_PER_KIND).then(|| {
            kept.failures.push(failure);
            kept.failures.len() - 1
        })
    }

    /// The client of the failures at these places was answered next by this process.
    pub(crate) fn followed(&self, places: impl IntoIterator<Item = usize>, by: Responder) {
        let mut kept = self.lock();
        for place in places {
            if let Some(failure) = kept.failures.get_mut(place) {
                failure.next_responder = Some(by);
            }
        }
    }

    /// A restart begins: takes down what was counted until then, while no failure is counted.
    pub(crate) fn begin_restart<T>(&self, take_down: impl FnOnce() -> T) -> T {
        let mut kept = self.lock();
        kept.restarts += 1;
        take_down()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept failures in the order of their time, and how many more there were.
    pub(crate) fn take(&self) -> (Vec<Failure>, u64) {
        let mut kept = self.lock();
        let mut failures = std::mem::take(&mut kept.failures);
        failures.sort_by_key(|failure| failure.at);
        let beyond = kept.seen.iter().map(|seen| seen.saturating_sub(KEPT_PER_KIND)).sum();
        (failures, beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind, at_ms: u64) -> Failure {
        Failure {
            at: Duration::from_millis(at_ms),
            kind,
            phase: Phase::Awaiting,
            cause: Cause::EndOfFile,
            group: 0,
            mode: Mode::Keep,
            local_port: Some(1),
            answered_before: 3,
            crossed: true,
            restart: 0,
            last_responder: Some(Responder { generation: 4, pid: None }),
            next_responder: None,
            newest_generation: Some(5),
        }
    }

    #[test]
    fn a_storm_of_one_kind_does_not_hide_another() {
        let log = FailureLog::default();
        for at_ms in 0..KEPT_PER_KIND + 7 {
            log.add(|_| failure(FailureKind::Refused, at_ms));
        }
        log.add(|_| failure(FailureKind::Lost, 3));
        let (failures, beyond) = log.take();
        assert_eq!(failures.len() as u64, KEPT_PER_KIND + 1);
        assert_eq!(beyond, 7);
        assert_eq!(failures[4].kind, FailureKind::Lost, "in the order of time");
        assert!(failures.is_sorted_by_key(|failure| failure.at));
    }

    #[test]
    fn a_failure_knows_how_many_restarts_had_begun_and_who_answered_next() {
        let log = FailureLog::default();
        let lost = |restart| Failure { restart, ..failure(FailureKind::Lost, 1) };
        let first = log.add(lost).unwrap();
        assert_eq!(log.begin_restart(|| 7), 7);
        let second = log.add(lost).unwrap();
        let third = log.add(lost).unwrap();
        let next = Responder { generation: 9, pid: None };
        log.followed([first, third], next);
        let (failures, _) = log.take();
        let found = failures.iter().map(|it| (it.restart, it.next_responder));
        assert_eq!(found.collect::<Vec<_>>(), [(0, Some(next)), (1, None), (1, Some(next))]);
        assert_eq!(second, 1);
    }

    #[test]
    fn a_failure_that_is_not_kept_has_no_place() {
        let log = FailureLog::default();
        let refused = |_| failure(FailureKind::Refused, 1);
        (0..KEPT_PER_KIND).for_each(|_| assert!(log.add(refused).is_some()));
        assert_eq!(log.add(refused), None);
    }

    #[test]
    fn all_names_every_kind_in_its_place() {
        for (place, kind) in FailureKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "the log counts by place");
        }
    }

    #[test]
    fn an_error_under_a_request_is_a_reset_unless_time_ran_out() {
        let reset = io::Error::from_raw_os_error(rustix::io::Errno::CONNRESET.raw_os_error());
        let timeout = io::Error::from_raw_os_error(rustix::io::Errno::TIMEDOUT.raw_os_error());
        assert_eq!(Fault::broken(&reset).kind, FailureKind::Reset);
        assert_eq!(Fault::broken(&timeout).kind, FailureKind::TimedOut);
    }

    #[test]
    fn json_names_things_in_words() {
        let json = serde_json::to_value(failure(FailureKind::ClosedBetweenRequests, 2)).unwrap();
        assert_eq!(json["at_us"], 2_000);
        assert_eq!(json["kind"], "closed_between_requests");
        assert_eq!(json["phase"], "awaiting");
        assert_eq!(json["cause"], "end of file");
        assert_eq!(json["mode"], "keep");
        assert_eq!(json["last_responder"]["generation"], 4);
    }

    #[test]
    fn display_pads_for_tables() {
        assert_eq!(format!("{:>8}|", FailureKind::Lost), "    lost|");
        assert_eq!(Cause::from(WrongAnswer::Early).to_string().matches("wrong").count(), 1);
    }
}
