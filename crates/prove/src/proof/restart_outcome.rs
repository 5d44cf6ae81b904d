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
    /// Why it could not be asked for, if it could not.
    pub error: Option<String>,
    /// The new process; none was seen if there is none.
    pub change: Option<Change>,
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
}
