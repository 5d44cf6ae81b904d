//! What became of one restart. Refuses to judge it.

use std::time::Duration;

use serde::Serialize;

use crate::recognise::Responder;

/// What became of one restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RestartOutcome {
    /// Its number, from 1.
    pub number: u32,
    /// When it was asked for, since the start of the load.
    #[serde(rename = "at_us", serialize_with = "crate::account::micros::serialize")]
    pub at: Duration,
    /// How long the asking took: until the command had ended, or the signal was sent.
    #[serde(rename = "took_us", serialize_with = "crate::account::micros::serialize")]
    pub took: Duration,
    /// How much later it was asked for than planned, since the one before had not come to its end:
    /// neither a new process nor the time in which one must be seen.
    #[serde(rename = "delayed_us", serialize_with = "crate::account::micros::serialize")]
    pub delayed: Duration,
    /// How far it has come.
    pub state: RestartState,
    /// Why it could not be asked for, if it could not.
    pub error: Option<String>,
    /// The new process; none was seen if there is none.
    pub change: Option<Change>,
}

/// How far a restart has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartState {
    /// It is being asked for, or no new process was seen yet; in a proof: the trial ended first.
    UnderWay,
    /// A new process was seen.
    Changed,
    /// No new process was seen in time: a failure.
    Unchanged,
    /// It could not be asked for; the trial ends with that.
    Failed,
    /// No process could be told from another, before or after.
    Unrecognised,
    /// It was asked for, and nobody was to look whether the process changed.
    NotJudged,
}

/// The first sign of a process that was not there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// When it was seen, since the start of the load.
    #[serde(rename = "at_us", serialize_with = "crate::account::micros::serialize")]
    pub at: Duration,
    /// The process.
    #[serde(flatten)]
    pub responder: Responder,
    /// What the sign was.
    pub seen_by: SeenBy,
}

/// What the first sign of a new process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// An answer named it: it serves.
    Answer,
    /// By `/proc` it held the listening socket: it may, and need not, serve already. A process that
    /// was forked has its sockets from the fork on.
    Listener,
}
