//! Datagram sockets that a task awaits.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::os::unix::net::UnixDatagram as StdUnixDatagram;
use std::sync::Arc;

use rekindle_unix::Address;
use tokio::io::Interest;

use crate::acceptor::Backoff;
use crate::datagrams::{Datagram, DatagramTransport, Receiver, Reception};
use crate::gate::Door;
use crate::readiness::{Readiness, watch};
use crate::socket::{Socket, local_addr};

/// A UDP socket.
pub type UdpSocket = DatagramSocket<StdUdpSocket>;
/// A Unix datagram socket.
pub type UnixDatagramSocket = DatagramSocket<StdUnixDatagram>;

/// A datagram socket of this service, for tasks. While this process does not receive, datagrams
/// wait in the kernel's buffer for whoever does.
#[derive(Debug)]
pub struct DatagramSocket<T: DatagramTransport> {
    receiver: Receiver<T>,
    readiness: Readiness,
}

impl<T: DatagramTransport> DatagramSocket<T> {
    pub(crate) fn new(receiver: Receiver<T>) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let readiness = watch(&receiver.held().descriptor, interest)?;
        Ok(Self { receiver, readiness })
    }

    /// Receives the next datagram into `buffer`; none once this process receives no more, ever.
    pub async fn receive(&self, buffer: &mut [u8]) -> Option<Datagram<T::Peer>> {
        let receiver = &self.receiver;
        let mut backoff = Backoff::new();
        loop {
            if !receiver.gate().opened().await {
                return None;
            }
            if receiver.gate().door() == Door::Open {
                tokio::select! {
                    biased;
                    () = receiver.gate().closed() => continue,
                    ready = self.readiness.readable() => {
                        // The runtime is shutting down: nobody is left to serve.
                        let mut ready = ready.ok()?;
                        match receiver.attempt(buffer) {
                            Reception::Received(datagram) => return Some(datagram),
                            Reception::Empty => ready.clear_ready(),
                            Reception::Shut => {}
                            Reception::Exhausted => tokio::time::sleep(backoff.next()).await,
                            Reception::Ended => return None,
                        }
                    }
                }
            } else {
                match receiver.attempt(buffer) {
                    Reception::Received(datagram) => return Some(datagram),
                    Reception::Empty | Reception::Shut => {}
                    Reception::Exhausted => tokio::time::sleep(backoff.next()).await,
                    Reception::Ended => return None,
                }
            }
        }
    }

    /// Sends a datagram.
    ///
    /// # Errors
    ///
    /// What the system says. A full buffer of a UDP socket is waited for; that of a Unix datagram
    /// socket is the peer's, and `WouldBlock` says that it does not read.
    pub async fn send(&self, bytes: &[u8], peer: &T::Peer) -> io::Result<usize> {
        let socket = &self.receiver.socket;
        if !T::OWN_BUFFER {
            return socket.send(bytes, peer);
        }
        self.readiness.async_io(Interest::WRITABLE, |_| socket.send(bytes, peer)).await
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
