//! Datagram sockets that a thread waits on.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::os::unix::net::UnixDatagram as StdUnixDatagram;
use std::sync::Arc;
use std::thread;

use rekindle_unix::Address;
use rustix::event::{PollFd, PollFlags, poll};
use tracing::warn;

use super::listener::wait;
use crate::acceptor::Backoff;
use crate::datagrams::{Datagram, DatagramTransport, Receiver, Reception};
use crate::socket::{Socket, local_addr};

/// A UDP socket.
pub type UdpSocket = DatagramSocket<StdUdpSocket>;
/// A Unix datagram socket.
pub type UnixDatagramSocket = DatagramSocket<StdUnixDatagram>;

/// A datagram socket of this service, for threads. While this process does not receive, datagrams
/// wait in the kernel's buffer for whoever does.
#[derive(Debug)]
pub struct DatagramSocket<T: DatagramTransport> {
    receiver: Receiver<T>,
}

impl<T: DatagramTransport> DatagramSocket<T> {
    pub(crate) const fn new(receiver: Receiver<T>) -> Self {
        Self { receiver }
    }

    /// Receives the next datagram into `buffer`; none once this process receives no more, ever.
    pub fn receive(&self, buffer: &mut [u8]) -> Option<Datagram<T::Peer>> {
        let mut backoff = Backoff::new();
        while self.receiver.gate().opened_blocking() {
            if let Err(error) = wait(self.receiver.gate(), self.receiver.socket.as_fd()) {
                warn!(socket = %self.name(), %error, "clients have to wait");
                thread::sleep(backoff.next());
                continue;
            }
            match self.receiver.attempt(buffer) {
                Reception::Received(datagram) => return Some(datagram),
                Reception::Exhausted => thread::sleep(backoff.next()),
                Reception::Empty | Reception::Shut => {}
                Reception::Ended => return None,
            }
        }
        None
    }

    /// Sends a datagram.
    ///
    /// # Errors
    ///
    /// What the system says. A full buffer of a UDP socket is waited for; that of a Unix datagram
    /// socket is the peer's, and `WouldBlock` says that it does not read.
    pub fn send(&self, bytes: &[u8], peer: &T::Peer) -> io::Result<usize> {
        loop {
            match self.receiver.socket.send(bytes, peer) {
                Err(error) if T::OWN_BUFFER && error.kind() == io::ErrorKind::WouldBlock => {
                    let socket = self.receiver.socket.as_fd();
                    let mut set = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
                    poll(&mut set, None)?;
                }
                sent => return sent,
            }
        }
    }

    /// The socket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.receiver.held().name().as_str()
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        Socket::new(Arc::clone(self.receiver.held())).address()
    }

    /// The internet address that it is bound to, if it has one.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        local_addr(self.receiver.held())
    }
}
