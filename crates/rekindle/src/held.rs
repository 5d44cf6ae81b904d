//! A listener that this process holds: the descriptor, its names and addresses, and its gate.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rekindle_core::{ListenerEntry, ListenerName, SocketKind, Text};
use rekindle_unix::{Address, SocketPath};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
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
    /// Cloned into whatever accepts or receives on it for the program.
    attendance: Attendance,
}

/// Held by what accepts or receives on a listener, as long as it may.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attendance(Arc<()>);

impl Held {
    pub(crate) fn new(entry: ListenerEntry, descriptor: OwnedFd, position: Option<u32>) -> Self {
        let path = owned_path(&entry);
        let (descriptor, gate) = (Arc::new(descriptor), Gate::new());
        Self { entry, descriptor, gate, position, path, attendance: Attendance::default() }
    }

    pub(crate) const fn name(&self) -> &ListenerName {
        &self.entry.name
    }

    /// Whether nobody is asked to accept: our own sockets are accepted on by the driver.
    pub(crate) fn is_internal(&self) -> bool {
        self.name().as_str().starts_with(INTERNAL_PREFIX)
    }

    pub(crate) fn attend(&self) -> Attendance {
        self.attendance.clone()
    }

    /// Whether somebody waits in its queue after the last call, and will be served: not if the
    /// program has dropped what accepts on it, or accepts by itself and may have stopped.
    pub(crate) fn has_somebody_waiting(&self) -> bool {
        self.gate.door() == Door::LastCall
            && Arc::strong_count(&self.attendance.0) > 1
            && is_readable(self.descriptor.as_fd())
    }

    /// Ends it for good: what is in the queue is still taken, then clients are refused.
    pub(crate) fn last_call(&self) {
        self.gate.set(Door::LastCall);
    }

    /// Removes its socket path, if it is ours: nobody finds it any more.
    pub(crate) fn remove_path(&self) {
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

/// Whether there is something to take in now. What cannot be looked at has nothing.
fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut set = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    poll(&mut set, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
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

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn who_waits_after_the_last_call_is_waited_for_as_long_as_somebody_accepts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bound = format!("tcp:{address}");
        let entry = entry("x".parse().unwrap(), SocketKind::Tcp, &bound, &bound, false);
        let held = Held::new(entry, listener.into(), None);
        let attendance = held.attend();
        let _client = TcpStream::connect(address).unwrap();
        assert!(!held.has_somebody_waiting(), "there was no last call");
        held.last_call();
        assert!(held.has_somebody_waiting());
        drop(attendance);
        assert!(!held.has_somebody_waiting(), "nobody would accept it");
        let _again = held.attend();
        held.end();
        assert!(!held.has_somebody_waiting());
    }
}
