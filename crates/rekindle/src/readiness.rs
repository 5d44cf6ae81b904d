//! The runtime's readiness of a descriptor that we own.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that the runtime watches.
pub(crate) type Readiness = AsyncFd<Watched>;

/// The descriptor. It is owned, and stays open for as long as it is watched.
#[derive(Debug)]
pub(crate) struct Watched(Arc<OwnedFd>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Lets the runtime watch a descriptor.
#[expect(
    deprecated,
    reason = "the newer name is `unsafe`, to be promised what the owned descriptor guarantees"
)]
pub(crate) fn watch(descriptor: &Arc<OwnedFd>, interest: Interest) -> io::Result<Readiness> {
    AsyncFd::with_interest(Watched(Arc::clone(descriptor)), interest)
}
