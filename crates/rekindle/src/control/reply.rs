//! What is answered over the control socket.

use serde::{Deserialize, Serialize};

use super::CONTROL_VERSION;

/// A reply: one line to the operator. A request gets one or more; the last one is
/// [final](Reply::is_final).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reply {
    /// The answer to `status`. Final.
    Status(Box<Status>),
    /// An upgrade entered a phase.
    Phase {
        /// `spawning`, `greeting`, `starting`, `committing` or `probation`.
        phase: String,
        /// Since the request, in milliseconds.
        after_ms: u64,
        /// The generation that the new process is to be.
        generation: u64,
        /// The new process's id, once there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// How an upgrade ended. Final.
    Verdict {
        /// `committed`, `aborted` or `rolled-back`.
        verdict: String,
        /// Whether it can still be rolled back: false if the answer was to end at the commit.
        confirmed: bool,
        /// The generation that the new process is, or was to be.
        generation: u64,
        /// The new process's id, if one was started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        /// The old process's id.
        old_pid: u32,
        /// Since the request, in milliseconds.
        took_ms: u64,
        /// The phase in which it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<String>,
        /// Why it failed, as a stable short word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Why it failed, in a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The stop has begun.
    Stopping {
        /// How much is in flight, and is finished first.
        in_flight: u64,
    },
    /// The process has finished what it had, and exits. Final.
    Stopped {
        /// How much was cut at the drain deadline or by the hammer.
        cut: u64,
        /// How long the drain took, in milliseconds.
        took_ms: u64,
    },
    /// The hammer fell. Final.
    Hammered {
        /// How many processes were told.
        processes: u64,
    },
    /// The request is refused. Final.
    Refused {
        /// Why, as a stable short word.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
    /// The line was no request. Final, and the connection is closed.
    Error {
        /// What is wrong with it.
        message: String,
    },
    /// An event that a later version knows: to be skipped.
    #[serde(other)]
    Unknown,
}

/// What a process is, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// The process id.
    pub pid: u32,
    /// The generation.
    pub generation: u64,
    /// `serving`, `upgrading`, `draining`, `leaving` or `stopping`.
    pub phase: String,
    /// The build that runs, as the program named it.
    pub build: String,
    /// Since the process was ready, in milliseconds.
    pub uptime_ms: u64,
    /// Connections and other guarded work.
    pub in_flight: u64,
    /// How many connections it took over from older processes so far.
    #[serde(default)]
    pub moved_in: u64,
    /// How many connections newer processes took over from it so far.
    #[serde(default)]
    pub moved_out: u64,
    /// What it accepts on.
    pub listeners: Vec<ListenerStatus>,
    /// The older generations that still drain, the oldest first.
    pub draining: Vec<DrainingStatus>,
    /// The last upgrade that this process began and that came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastUpgrade>,
}

/// A listener in a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// The address that it is bound to; empty for a descriptor that is no socket.
    pub address: String,
}

/// An older generation in a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DrainingStatus {
    /// Its generation.
    pub generation: u64,
    /// Its process id.
    pub pid: u32,
    /// What it last said to have in flight.
    pub in_flight: u64,
}

/// A failed upgrade in a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastUpgrade {
    /// `aborted` or `rolled-back`.
    pub verdict: String,
    /// Why, as a stable short word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    #[serde(flatten)]
    reply: T,
}

impl Reply {
    /// Whether the answer ends with it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Phase { .. } | Self::Stopping { .. } | Self::Unknown)
    }

    /// The reply as a line, without the line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(&Envelope { v: CONTROL_VERSION, reply: self })
            .expect("a reply has string keys only")
    }

    /// The reply in a line; fields that a later version added are skipped.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn from_line(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<Envelope<Self>>(line).map(|envelope| envelope.reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_is_read_as_it_was_written() {
        let status = Status {
            pid: 7,
            generation: 3,
            phase: "serving".into(),
            build: "1.0".into(),
            uptime_ms: 5,
            in_flight: 2,
            moved_in: 4,
            moved_out: 1,
            listeners: vec![ListenerStatus { name: "http".into(), address: "127.0.0.1:1".into() }],
            draining: vec![DrainingStatus { generation: 2, pid: 6, in_flight: 1 }],
            last_failure: None,
        };
        let replies = [
            Reply::Status(Box::new(status)),
            Reply::Phase { phase: "starting".into(), after_ms: 3, generation: 2, pid: Some(9) },
            Reply::Verdict {
                verdict: "aborted".into(),
                confirmed: false,
                generation: 2,
                pid: None,
                old_pid: 4,
                took_ms: 12,
                phase: Some("spawning".into()),
                reason: Some("not-started".into()),
                message: Some("no such file".into()),
            },
            Reply::Stopping { in_flight: 1 },
            Reply::Stopped { cut: 0, took_ms: 8 },
            Reply::Hammered { processes: 2 },
            Reply::Refused { reason: "stopping".into(), message: "this process stops".into() },
            Reply::Error { message: "?".into() },
        ];
        for reply in replies {
            let line = reply.to_line();
            assert!(line.starts_with(r#"{"v":1,"event":""#), "{line}");
            assert_eq!(Reply::from_line(line.as_bytes()).unwrap(), reply, "{line}");
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped() {
        let line = br#"{"v":1,"event":"hammered","processes":1,"colour":"red"}"#;
        assert_eq!(Reply::from_line(line).unwrap(), Reply::Hammered { processes: 1 });
    }

    #[test]
    fn an_event_of_a_later_version_is_skipped() {
        let line = br#"{"v":1,"event":"warming","percent":7}"#;
        let reply = Reply::from_line(line).unwrap();
        assert_eq!(reply, Reply::Unknown);
        assert!(!reply.is_final());
    }
}
