//! One thing that went wrong. Refuses to count it: `tally` does.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::account::cause::Cause;
use crate::group::Mode;
use crate::recognise::Responder;

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
    /// Writing a request, or waiting until the server allows one more stream of HTTP/2; no byte of
    /// the answer has come.
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

/// A failure for tests.
#[cfg(test)]
pub(crate) fn failure(kind: FailureKind, at_ms: u64) -> Failure {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrong::WrongAnswer;

    #[test]
    fn all_names_every_kind_in_its_place() {
        for (place, kind) in FailureKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "the log counts by place");
        }
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
        let cause = Cause::from(WrongAnswer::Early).to_string();
        assert!(!cause.contains("wrong"), "the kind says that: {cause}");
    }
}
