//! A duration as `poll(2)` takes it.

use std::time::Duration;

use rustix::event::Timespec;

/// The timeout for `poll`; none waits for ever, and so does one that is longer than time is.
pub(crate) fn timespec(timeout: Option<Duration>) -> Option<Timespec> {
    timeout.and_then(|timeout| Timespec::try_from(timeout).ok())
}
