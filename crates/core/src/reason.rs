//! Why an upgrade did not come to its end.

use core::fmt;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::text::Text;
use crate::version::VersionRange;

/// Why an upgrade was aborted or rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Reason {
    /// The program's own hook, called before the new process is started, said no.
    #[n(0)]
    HookRefused {
        /// Its words.
        #[n(0)]
        words: Text,
    },
    /// The new program could not be started.
    #[n(1)]
    NotStarted {
        /// What the system said, with the path.
        #[n(0)]
        error: Text,
    },
    /// What the old process would offer could not be put together.
    #[n(13)]
    NoOffer {
        /// What is wrong with it.
        #[n(0)]
        error: Text,
    },
    /// The new process ended.
    #[n(2)]
    Exited {
        /// How: "exited with status 3", "was killed by SIGSEGV".
        #[n(0)]
        status: Text,
    },
    /// The new process closed its end of the channel and lived on.
    #[n(3)]
    ChannelClosed,
    /// The new process was not ready within the start timeout.
    #[n(4)]
    StartTimeout {
        /// The timeout, in milliseconds.
        #[n(0)]
        timeout_ms: u64,
    },
    /// The new process was told to take over and did not say that it serves.
    #[n(11)]
    TakeOverTimeout {
        /// The time it had, in milliseconds.
        #[n(0)]
        timeout_ms: u64,
    },
    /// What came over the channel was no message.
    #[n(5)]
    Garbage {
        /// What was wrong with it.
        #[n(0)]
        error: Text,
    },
    /// A message came that has no place in this phase.
    #[n(6)]
    OutOfTurn {
        /// The message's name.
        #[n(0)]
        message: Text,
    },
    /// The two sides have no version of the protocol in common.
    #[n(7)]
    NoCommonVersion {
        /// What the old side speaks.
        #[n(0)]
        old: VersionRange,
        /// What the new side speaks.
        #[n(1)]
        new: VersionRange,
    },
    /// The new process said that it cannot go on.
    #[n(8)]
    Failed {
        /// Its words.
        #[n(0)]
        words: Text,
    },
    /// The old process was asked to stop.
    #[n(9)]
    Stopping,
    /// The new process belongs to another user.
    #[n(12)]
    OtherUser {
        /// The user's id.
        #[n(0)]
        uid: u32,
    },
    /// The old process is not able to take part now: it is not ready, or upgrading already.
    #[n(10)]
    Busy {
        /// What it is doing.
        #[n(0)]
        words: Text,
    },
}

impl Reason {
    /// A short word for scripts, stable across versions, such as `exited` or `start-timeout`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HookRefused { .. } => "hook-refused",
            Self::NotStarted { .. } => "not-started",
            Self::NoOffer { .. } => "no-offer",
            Self::Exited { .. } => "exited",
            Self::ChannelClosed => "channel-closed",
            Self::StartTimeout { .. } => "start-timeout",
            Self::TakeOverTimeout { .. } => "take-over-timeout",
            Self::Garbage { .. } => "garbage",
            Self::OutOfTurn { .. } => "out-of-turn",
            Self::NoCommonVersion { .. } => "no-common-version",
            Self::Failed { .. } => "failed",
            Self::Stopping => "stopping",
            Self::OtherUser { .. } => "other-user",
            Self::Busy { .. } => "busy",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HookRefused { words } => write!(formatter, "the program's hook refused: {words}"),
            Self::NotStarted { error } => {
                write!(formatter, "the new program could not be started: {error}")
            }
            Self::NoOffer { error } => {
                write!(formatter, "the old process could not make its offer: {error}")
            }
            Self::Exited { status } => write!(formatter, "the new process {status}"),
            Self::ChannelClosed => formatter.write_str("the new process closed the channel"),
            Self::StartTimeout { timeout_ms } => {
                let timeout = Duration::from_millis(*timeout_ms);
                write!(formatter, "the new process was not ready within {timeout:?}")
            }
            Self::TakeOverTimeout { timeout_ms } => {
                let timeout = Duration::from_millis(*timeout_ms);
                write!(formatter, "the new process did not take over within {timeout:?}")
            }
            Self::Garbage { error } => {
                write!(formatter, "the new process sent what is no message: {error}")
            }
            Self::OutOfTurn { message } => {
                write!(formatter, "the new process sent `{message}` out of turn")
            }
            Self::NoCommonVersion { old, new } => write!(
                formatter,
                "the old process speaks protocol {old} and the new one {new}: no version in common"
            ),
            Self::Failed { words } => write!(formatter, "the new process gave up: {words}"),
            Self::Stopping => formatter.write_str("the old process was asked to stop"),
            Self::OtherUser { uid } => {
                write!(formatter, "the new process belongs to user {uid}: only the owner may ask")
            }
            Self::Busy { words } => write!(formatter, "the old process {words}"),
        }
    }
}

/// Why a process could not be started, as far as the machine has to tell it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnFailure {
    /// The program file is being written (`ETXTBSY`): it is worth another try soon.
    TextBusy(Text),
    /// Anything else: it would fail again.
    Final(Text),
}
