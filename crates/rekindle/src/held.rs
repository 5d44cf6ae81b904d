//! A listener that this process holds: the descriptor, its names and addresses, and its gate.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rekindle_core::{ListenerEntry, ListenerName, SocketKind, Text};
use rekindle_unix::{Address, SocketPath};
use tracing::warn;

use crate::gate::{Door, Gate};

/// A listener that this process holds. Faces and the driver share it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) entry: ListenerEntry,
    pub(crate) descriptor: Arc<OwnedFd>,
    pub(crate) gate: Gate,
    /// The position in the old process's offer, if it came from there.
    pub(crate) position: Option<u32>,
    path: Option<SocketPath>,
}

impl Held {
    pub(crate) fn new(entry: ListenerEntry, descriptor: OwnedFd, position: Option<u32>) -> Self {
        let path = owned_path(&entry);
        Self { entry, descriptor: Arc::new(descriptor), gate: Gate::new(), position, path }
    }

    pub(crate) const fn name(&self) -> &ListenerName {
        &self.entry.name
    }

    /// Whether nobody is asked to accept: our own sockets are accepted on by the driver.
    pub(crate) fn is_internal(&self) -> bool {
        self.name().as_str().starts_with(INTERNAL_PREFIX)
    }

    /// Ends it for good: what is in the queue is still taken, then clients are refused.
    pub(crate) fn last_call(&self) {
        self.gate.set(Door::LastCall);
        if let Some(path) = &self.path
            && let Err(error) = path.remove()
        {
            warn!(listener = %self.name(), %error, "the socket path is left behind");
        }
    }

    /// The queue was found empty after the last call: from here on clients are refused, whoever
    /// else still holds the descriptor. A lent one is not ours to shut down.
    pub(crate) fn end(&self) {
        self.gate.set(Door::Ended);
        if !self.entry.lent && self.entry.kind != SocketKind::Other {
            // It fails for a socket that is not connected or listening, such as UDP: that is
            // closed with its last descriptor.
            let _ = rustix::net::shutdown(self.descriptor.as_fd(), rustix::net::Shutdown::Both);
        }
    }
}

/// What the names of our own listeners begin with.
pub(crate) const INTERNAL_PREFIX: &str = "rekindle.";

/// The socket path that has to be unlinked in the end, if there is one and it is ours.
fn owned_path(entry: &ListenerEntry) -> Option<SocketPath> {
    if entry.lent {
        return None;
    }
    let address: Address = entry.bound.as_str().parse().ok()?;
    let path = address.unix_path()?;
    SocketPath::claim(path)
        .inspect_err(|error| warn!(listener = %entry.name, %error, "the socket path is not ours"))
        .ok()
}

/// The same kind in the words of the messages.
pub(crate) const fn kind_of(kind: rekindle_unix::SocketKind) -> SocketKind {
    match kind {
        rekindle_unix::SocketKind::Tcp => SocketKind::Tcp,
        rekindle_unix::SocketKind::Udp => SocketKind::Udp,
        rekindle_unix::SocketKind::UnixStream => SocketKind::UnixStream,
        rekindle_unix::SocketKind::UnixDatagram => SocketKind::UnixDatagram,
        rekindle_unix::SocketKind::UnixSeqpacket => SocketKind::UnixSeqpacket,
        _ => SocketKind::Other,
    }
}

/// The same kind in the words of the system.
pub(crate) const fn system_kind(kind: SocketKind) -> rekindle_unix::SocketKind {
    match kind {
        SocketKind::Tcp => rekindle_unix::SocketKind::Tcp,
        SocketKind::Udp => rekindle_unix::SocketKind::Udp,
        SocketKind::UnixStream => rekindle_unix::SocketKind::UnixStream,
        SocketKind::UnixDatagram => rekindle_unix::SocketKind::UnixDatagram,
        SocketKind::UnixSeqpacket => rekindle_unix::SocketKind::UnixSeqpacket,
        SocketKind::Other => rekindle_unix::SocketKind::Other,
    }
}

/// An entry for a descriptor that was bound or lent.
pub(crate) fn entry(
    name: ListenerName,
    kind: SocketKind,
    requested: impl std::fmt::Display,
    bound: impl std::fmt::Display,
    lent: bool,
) -> ListenerEntry {
    ListenerEntry { name, kind, requested: Text::of(requested), bound: Text::of(bound), lent }
}
