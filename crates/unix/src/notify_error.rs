//! `NotifyError`: why the service manager was not told.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why the service manager was not told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The address is of a kind that is not spoken here.
    #[error("notify `{}`: write an absolute path, or `@` and an abstract name; other kinds, \
        such as `vsock:`, are not supported", value.display())]
    Unsupported {
        /// The value of `NOTIFY_SOCKET`.
        value: OsString,
    },

    /// No socket can have this address: it is too long, or has a NUL byte in it.
    #[error("notify `{}`: no socket can have this address", value.display())]
    BadAddress {
        /// The value of `NOTIFY_SOCKET`.
        value: OsString,
        /// What the system said.
        source: io::Error,
    },

    /// The message is longer than the manager takes.
    #[error("notify the service manager in {length_bytes} bytes: it takes 4096")]
    TooLong {
        /// The length of the message.
        length_bytes: usize,
    },

    /// More descriptors than one message may carry.
    #[error("store {count} descriptors at once: a message carries 253")]
    TooManyDescriptors {
        /// How many there were.
        count: usize,
    },

    /// A name that the descriptor store does not take.
    #[error("store descriptors as `{}`: a name has 1 to 255 ASCII characters, without control \
        characters and colons", name.escape_debug())]
    BadStoreName {
        /// The name, or its start.
        name: String,
    },

    /// The manager's queue is full. The message was not sent; it may be tried again later.
    #[error("notify the service manager: its queue is full")]
    Busy,

    /// The manager has not acted on what was sent in this time.
    #[error("wait for the service manager: it has not answered in {timeout:?}")]
    BarrierTimeout {
        /// How long was waited.
        timeout: Duration,
    },

    /// The system refused.
    #[error("notify the service manager")]
    System {
        /// What the system said.
        source: io::Error,
    },
}
