//! What is asked of the process that a pid file names.

use std::path::PathBuf;
use std::time::Duration;

use rekindle::Signal;

/// One verb for one service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The path of the pid file.
    pub(crate) path: PathBuf,
    pub(crate) order: Order,
    /// How long it may take, where there is something to wait for.
    pub(crate) timeout: Duration,
}

/// What the process shall do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Status,
    Upgrade { signal: Signal },
    Stop,
}
