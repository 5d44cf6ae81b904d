//! Listeners that a task awaits.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "http")]
use rekindle_core::{ListenerName, SocketKind};
use rekindle_unix::Address;
use rustix::net::SocketFlags;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tracing::warn;

use crate::acceptor::{Accepted, Acceptor, Attempt, Backoff};
use crate::async_stream::Stream;
use crate::connection::Connection;
use crate::gate::Door;
use crate::readiness::{Readiness, watch};
use crate::socket::{Socket, local_addr};

/// A TCP listener.
pub type TcpListener = Listener<TcpStream>;
/// A Unix stream listener.
pub type UnixListener = Listener<UnixStream>;
/// A Unix listener of sequenced packets. Its connections are descriptors, since neither the
/// standard library nor tokio has a type for them.
pub type SeqpacketListener = Listener<OwnedFd>;

/// A listener of this service, for tasks.
///
/// While this process does not accept (before it is ready, and after its successor took over),
/// [`accept`](Self::accept) waits: the connections are in the kernel's queue, for whoever accepts.
pub struct Listener<S> {
    acceptor: Acceptor,
    /// Registered with the runtime only while this process accepts, so that the connections of
    /// another generation do not wake it.
    source: Mutex<Option<Arc<Readiness>>>,
    stream: PhantomData<fn() -> S>,
}

impl<S: Stream> Listener<S> {
    pub(crate) const fn new(acceptor: Acceptor) -> Self {
        Self { acceptor, source: Mutex::new(None), stream: PhantomData }
    }

    /// Accepts the next connection; none once this process accepts no more, ever. It never fails:
    /// a connection that broke in the queue is passed over, and while the system lacks something
    /// (descriptors, memory) the connections stay in the queue.
    ///
    /// It can be called from several tasks at once, and dropped at any time: no connection is lost.
    pub async fn accept(&self) -> Option<Connection<S>> {
        let mut backoff = Backoff::new();
        loop {
            if !self.acceptor.gate().opened().await {
                return None;
            }
            match self.attempt().await {
                Attempt::Accepted(accepted) => match self.connection(accepted) {
                    Ok(connection) => return Some(connection),
                    Err(error) => {
                        warn!(listener = %self.name(), %error, "a connection cannot be served");
                    }
                },
                Attempt::Exhausted => tokio::time::sleep(backoff.next()).await,
                Attempt::Ended => return None,
                Attempt::Empty | Attempt::Shut => self.forget_source(),
            }
        }
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

    #[cfg(feature = "http")]
    pub(crate) fn listener_name(&self) -> ListenerName {
        self.acceptor.held().name().clone()
    }

    #[cfg(feature = "http")]
    pub(crate) fn kind(&self) -> SocketKind {
        self.acceptor.held().entry.kind
    }

    /// One attempt, as soon as there is something in the queue; or whatever the gate says.
    async fn attempt(&self) -> Attempt {
        const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);
        if self.acceptor.gate().door() != Door::Open {
            return self.acceptor.attempt(FLAGS);
        }
        let source = match self.source() {
            Ok(source) => source,
            Err(error) => {
                warn!(listener = %self.name(), %error, "clients have to wait");
                return Attempt::Exhausted;
            }
        };
        loop {
            let mut ready = tokio::select! {
                biased;
                () = self.acceptor.gate().closed() => return Attempt::Shut,
                ready = source.readable() => match ready {
                    Ok(ready) => ready,
                    // The runtime is shutting down: nobody is left to serve.
                    Err(_) => return Attempt::Ended,
                },
            };
            match self.acceptor.attempt(FLAGS) {
                Attempt::Empty => ready.clear_ready(),
                other => return other,
            }
        }
    }

    fn connection(&self, accepted: Accepted) -> io::Result<Connection<S>> {
        let Accepted { descriptor, peer, guard } = accepted;
        let stream = S::from_descriptor(descriptor)?;
        let (tracker, outbox) = (self.acceptor.tracker(), self.acceptor.outbox());
        Ok(Connection::new(stream, peer, guard, tracker, outbox))
    }

    fn source(&self) -> io::Result<Arc<Readiness>> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = &*source {
            return Ok(Arc::clone(source));
        }
        let fresh = Arc::new(watch(&self.acceptor.held().descriptor, Interest::READABLE)?);
        *source = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Whoever is the last to see that this process does not accept ends the registration: while
    /// one task still has it, another could not register the descriptor again.
    fn forget_source(&self) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if source.as_ref().is_some_and(|source| Arc::strong_count(source) == 1) {
            *source = None;
        }
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
