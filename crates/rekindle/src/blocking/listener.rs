//! Listeners that a thread waits on.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use rekindle_unix::{Address, SocketKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::SocketFlags;
use tracing::warn;

use crate::acceptor::{Accepted, Acceptor, Attempt, Backoff};
use crate::connection::Connection;
use crate::gate::{Door, Gate};
use crate::socket::{Socket, local_addr};

/// A TCP listener.
pub type TcpListener = Listener<TcpStream>;
/// A Unix stream listener.
pub type UnixListener = Listener<UnixStream>;
/// A Unix listener of sequenced packets; its connections are descriptors, since the standard
/// library has no type for them.
pub type SeqpacketListener = Listener<OwnedFd>;

/// A kind of stream that a listener accepts. Not to be implemented elsewhere.
pub trait Stream: AsFd + From<OwnedFd> + Into<OwnedFd> + Send + 'static + sealed::Sealed {
    #[doc(hidden)]
    const KIND: SocketKind;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for std::net::TcpStream {}
    impl Sealed for std::os::unix::net::UnixStream {}
    impl Sealed for std::os::fd::OwnedFd {}
}

impl Stream for TcpStream {
    const KIND: SocketKind = SocketKind::Tcp;
}

impl Stream for UnixStream {
    const KIND: SocketKind = SocketKind::UnixStream;
}

impl Stream for OwnedFd {
    const KIND: SocketKind = SocketKind::UnixSeqpacket;
}

/// A listener of this service, for threads.
///
/// While this process does not accept (before it is ready, and after its successor took over),
/// [`accept`](Self::accept) waits: the connections are in the kernel's queue, for whoever accepts.
pub struct Listener<S> {
    acceptor: Acceptor,
    stream: PhantomData<fn() -> S>,
}

impl<S: Stream> Listener<S> {
    pub(crate) const fn new(acceptor: Acceptor) -> Self {
        Self { acceptor, stream: PhantomData }
    }

    /// Accepts the next connection, which is in blocking mode; none once this process accepts no
    /// more, ever. It never fails: a connection that broke in the queue is passed over, and while
    /// the system lacks something (descriptors, memory) the connections stay in the queue.
    ///
    /// It can be called from several threads at once.
    #[must_use]
    pub fn accept(&self) -> Option<Connection<S>> {
        let mut backoff = Backoff::new();
        while self.acceptor.gate().opened_blocking() {
            if let Err(error) = wait(self.acceptor.gate(), self.as_fd()) {
                warn!(listener = %self.name(), %error, "clients have to wait");
                thread::sleep(backoff.next());
                continue;
            }
            match self.acceptor.attempt(SocketFlags::CLOEXEC) {
                Attempt::Accepted(accepted) => {
                    let Accepted { descriptor, peer, guard } = accepted;
                    let stream = S::from(descriptor);
                    let (tracker, outbox) = (self.acceptor.tracker(), self.acceptor.outbox());
                    return Some(Connection::new(stream, peer, guard, tracker, outbox));
                }
                Attempt::Exhausted => thread::sleep(backoff.next()),
                Attempt::Ended => return None,
                Attempt::Empty | Attempt::Shut => {}
            }
        }
        None
    }

    /// The listener's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.acceptor.held().name().as_str()
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.socket().address()
    }

    /// The internet address that it is bound to, if it has one; with the port that port 0 became.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        local_addr(self.acceptor.held())
    }

    /// The same listener for a server that accepts by itself.
    #[must_use]
    pub fn socket(&self) -> Socket {
        Socket::new(Arc::clone(self.acceptor.held()))
    }
}

impl<S> AsFd for Listener<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.acceptor.held().descriptor.as_fd()
    }
}

impl<S: Stream> fmt::Debug for Listener<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Listener").field(&self.socket()).finish()
    }
}

/// Waits until there is something to take in, or the gate is not open any more.
pub(super) fn wait(gate: &Gate, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    if gate.door() != Door::Open {
        return Ok(());
    }
    let mut set = [
        PollFd::from_borrowed_fd(descriptor, PollFlags::IN),
        PollFd::from_borrowed_fd(gate.not_open()?, PollFlags::IN),
    ];
    match poll(&mut set, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
