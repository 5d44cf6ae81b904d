//! One attempt to receive a datagram: what both faces do with a datagram socket, without waiting.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{self as unix, UnixDatagram};
use std::sync::Arc;

use tracing::warn;

use crate::gate::{Door, Gate};
use crate::held::{Attendance, Held};
use crate::tracker::{Guard, Tracker};

/// A datagram that was received. It counts as in flight until it is dropped, so that an answer to
/// it is sent before the process exits.
#[derive(Debug)]
pub struct Datagram<P> {
    /// How many bytes of the buffer it filled; a longer datagram was cut to the buffer.
    pub length_bytes: usize,
    /// Who sent it.
    pub peer: P,
    /// What keeps the process from exiting.
    pub guard: Guard,
}

/// A kind of datagram socket. Not to be implemented elsewhere.
pub trait DatagramTransport: sealed::Transport {
    /// The address of a peer.
    type Peer: Debug + Send;

    /// Whether a full buffer is ours, and so worth waiting for. That of a Unix datagram socket is
    /// the peer's: one that does not read would hold up all others.
    #[doc(hidden)]
    const OWN_BUFFER: bool;

    #[doc(hidden)]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Peer)>;

    #[doc(hidden)]
    fn send(&self, bytes: &[u8], peer: &Self::Peer) -> io::Result<usize>;
}

mod sealed {
    use std::os::fd::{AsFd, OwnedFd};

    pub trait Transport: AsFd + From<OwnedFd> + Send + Sync + std::fmt::Debug + 'static {}

    impl Transport for std::net::UdpSocket {}
    impl Transport for std::os::unix::net::UnixDatagram {}
}

impl DatagramTransport for UdpSocket {
    type Peer = SocketAddr;
    const OWN_BUFFER: bool = true;

    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.recv_from(buffer)
    }

    fn send(&self, bytes: &[u8], peer: &SocketAddr) -> io::Result<usize> {
        self.send_to(bytes, peer)
    }
}

impl DatagramTransport for UnixDatagram {
    type Peer = unix::SocketAddr;
    const OWN_BUFFER: bool = false;

    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, unix::SocketAddr)> {
        self.recv_from(buffer)
    }

    fn send(&self, bytes: &[u8], peer: &unix::SocketAddr) -> io::Result<usize> {
        self.send_to_addr(bytes, peer)
    }
}

fn is_of_a_send(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::Interrupted
    )
}

/// A socket to receive on.
#[derive(Debug)]
pub(crate) struct Receiver<T> {
    held: Arc<Held>,
    pub(crate) socket: T,
    tracker: Tracker,
    _attendance: Attendance,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Reception<P> {
    Received(Datagram<P>),
    /// Nothing waits.
    Empty,
    /// This process does not receive now.
    Shut,
    /// It never will again.
    Ended,
    /// The system lacks something: wait, and try again.
    Exhausted,
}

impl<T: DatagramTransport> Receiver<T> {
    /// A receiver with a descriptor of its own for the same socket.
    pub(crate) fn new(held: Arc<Held>, tracker: Tracker) -> io::Result<Self> {
        let descriptor: OwnedFd = held.descriptor.as_fd().try_clone_to_owned()?;
        let attendance = held.attend();
        Ok(Self { held, socket: T::from(descriptor), tracker, _attendance: attendance })
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.held.gate
    }

    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// Receives one datagram, if one waits.
    pub(crate) fn attempt(&self, buffer: &mut [u8]) -> Reception<T::Peer> {
        let guard = self.tracker.guard();
        let door = self.gate().door();
        match door {
            Door::Shut => return Reception::Shut,
            Door::Ended => return Reception::Ended,
            Door::Open | Door::LastCall => {}
        }
        loop {
            return match self.socket.receive(buffer) {
                Ok((length_bytes, peer)) => {
                    Reception::Received(Datagram { length_bytes, peer, guard })
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if door == Door::LastCall {
                        self.held.end();
                        return Reception::Ended;
                    }
                    Reception::Empty
                }
                // What an earlier send met, such as a port that nobody listens on: it is cleared
                // by being read, and says nothing of what waits.
                Err(error) if is_of_a_send(&error) => continue,
                Err(error) => {
                    warn!(socket = %self.held.name(), %error, "nothing can be received");
                    Reception::Exhausted
                }
            };
        }
    }
}
