//! Raw access to what a service holds, for servers that accept by themselves.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::{fmt, io};

use rekindle_unix::Address;

use crate::gate::{Door, Gate};
use crate::held::Held;

/// A listener or socket of any kind, without a face of its own: for servers that accept by
/// themselves, such as actix, tonic or quinn.
///
/// The program keeps to the gate by itself: it accepts while the socket is [open](Self::is_open),
/// and begins again when an upgrade was rolled back.
#[derive(Clone)]
pub struct Socket {
    held: Arc<Held>,
}

impl Socket {
    pub(crate) const fn new(held: Arc<Held>) -> Self {
        Self { held }
    }

    /// The listener's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.held.name().as_str()
    }

    /// The address that it is bound to; none for a descriptor that is no socket.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.held.entry.bound.as_str().parse().ok()
    }

    /// The internet address that it is bound to, if it has one.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        local_addr(&self.held)
    }

    /// Another descriptor for the same socket, such as `std::net::TcpListener::from` takes. It is
    /// non-blocking and has to stay so: the flag is shared with the other generations.
    ///
    /// # Errors
    ///
    /// If the process has too many open descriptors.
    pub fn try_clone_to_owned(&self) -> io::Result<OwnedFd> {
        self.held.descriptor.as_fd().try_clone_to_owned()
    }

    /// Whether this process accepts on it now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.gate().door() == Door::Open
    }

    /// Waits until this process accepts on it. Returns false if it never will again.
    pub async fn opened(&self) -> bool {
        while self.gate().opened().await {
            if let Some(opened) = self.settled() {
                return opened;
            }
        }
        false
    }

    /// Waits until this process does not accept on it any more.
    pub async fn closed(&self) {
        self.gate().closed().await;
    }

    /// [`Socket::opened`] for a thread.
    #[must_use]
    pub fn wait_opened(&self) -> bool {
        while self.gate().opened_blocking() {
            if let Some(opened) = self.settled() {
                return opened;
            }
        }
        false
    }

    /// Whether it is open, if that is sure: it may have been shut again since it was, for now.
    fn settled(&self) -> Option<bool> {
        match self.gate().door() {
            Door::Open => Some(true),
            Door::LastCall | Door::Ended => Some(false),
            Door::Shut => None,
        }
    }

    fn gate(&self) -> &Gate {
        &self.held.gate
    }
}

/// The internet address that a listener is bound to, if it has one.
pub(crate) fn local_addr(held: &Held) -> Option<SocketAddr> {
    let address: Address = held.entry.bound.as_str().parse().ok()?;
    address.internet().map(|internet| internet.socket())
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.descriptor.as_fd()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Socket")
            .field("name", &self.name())
            .field("bound", &self.held.entry.bound.as_str())
            .finish_non_exhaustive()
    }
}
