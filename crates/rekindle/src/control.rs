//! The control protocol: how an operator asks a running service for its status, for an upgrade,
//! to stop.
//!
//! One JSON object a line each way over a Unix stream socket, as docs/control.md describes. This
//! module owns the words and the client; the driver answers.

mod client;
mod reply;
mod request;

pub use client::{Client, ClientError, Replies};
pub use reply::{DrainingStatus, LastUpgrade, ListenerStatus, Reply, Status};
pub use request::{Request, RequestError, Wait};

/// The version of the control protocol: the `v` in every line.
pub const CONTROL_VERSION: u32 = 1;

/// The longest line in either direction.
pub const LINE_LIMIT_BYTES: usize = 256 * 1024;
