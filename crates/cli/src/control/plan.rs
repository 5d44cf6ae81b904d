//! What is asked over a control socket.

use std::path::PathBuf;
use std::time::Duration;

use rekindle::control::Wait;

/// One verb for one service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The path of the control socket.
    pub(crate) path: PathBuf,
    pub(crate) order: Order,
    /// How long the whole answer may take; without it, as long as the service takes.
    pub(crate) timeout: Option<Duration>,
}

/// What the service shall do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Status,
    Upgrade { wait: Wait, arguments: Option<Vec<String>> },
    Stop,
    Hammer,
}
