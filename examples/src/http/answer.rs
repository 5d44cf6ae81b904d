//! What is answered to a request, before it is put on the wire.

use std::fmt::Display;
use std::time::Duration;

use super::status::Status;

/// What is answered to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// The methods that the path does take, if the status is 405.
    pub allow: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait before it is sent.
    pub pause: Duration,
}

impl Answer {
    /// An answer of one line, at once.
    #[must_use]
    pub fn of(status: Status, line: impl Display) -> Self {
        let body = format!("{line}\n").into_bytes();
        Self { status, allow: None, body, pause: Duration::ZERO }
    }
}
