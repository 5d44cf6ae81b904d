//! A service before it is ready, for tasks: it claims its listeners.

#[cfg(feature = "http")]
use std::error::Error;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::sync::Arc;

#[cfg(feature = "http")]
use ::http::{Request, Response};
#[cfg(feature = "http")]
use http_body::Body;
#[cfg(feature = "http")]
use rekindle_core::Text;
use rekindle_core::{Generation, NewFailure};
use rekindle_unix::{Address, BindOptions, SocketKind};
#[cfg(feature = "http")]
use tower_service::Service as TowerService;

use crate::acceptor::Acceptor;
#[cfg(feature = "http")]
use crate::async_stream::AsyncStream;
use crate::async_stream::Stream;
use crate::builder::Builder;
use crate::claims::Claims;
use crate::datagram_socket::{DatagramSocket, UdpSocket, UnixDatagramSocket};
use crate::datagrams::{DatagramTransport, Receiver};
use crate::handed_over::HandedOver;
#[cfg(feature = "http")]
use crate::held::system_kind;
#[cfg(feature = "tls")]
use crate::http::Tickets;
#[cfg(feature = "http")]
use crate::http::{HTTP1, HttpOptions, Permits, RequestBody, Server};
use crate::inventory::ListenError;
use crate::listener::{Listener, SeqpacketListener, TcpListener, UnixListener};
use crate::reception::Reception;
use crate::running::Running;
use crate::shared::Stage;
use crate::socket::Socket;
use crate::start::StartError;

/// A service that was started and is not ready yet: the first of its kind, or the successor of a
/// running one. It claims its listeners, initialises, and is [ready](Self::ready).
///
/// To drop it before is to give up: an old process that waits for it is told, and serves on.
#[derive(Debug)]
#[must_use = "a service serves once it is `ready`"]
pub struct Service {
    claims: Claims,
    #[cfg(feature = "http")]
    permits: Permits,
    #[cfg(feature = "tls")]
    tickets: Option<Tickets>,
}

impl Builder {
    /// Starts the service, for tasks. To be called first thing in `main`, before other threads
    /// read the environment: markers of an upgrade are removed from it.
    ///
    /// It waits for the old process's offer if this process is a successor, which takes
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// [`StartError`]. The old process, if there is one, serves on.
    pub fn start(self) -> Result<Service, StartError> {
        Ok(Service {
            claims: Claims::new(self.begin()?),
            #[cfg(feature = "http")]
            permits: Permits::new(),
            #[cfg(feature = "tls")]
            tickets: None,
        })
    }
}

impl Service {
    /// The settings of a service.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The generation that this process is, if it becomes ready.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.claims.shared().generation
    }

    /// The process id of the old process; none if this is the first of its service.
    #[must_use]
    pub fn predecessor(&self) -> Option<u32> {
        self.claims.shared().predecessor
    }

    /// A TCP listener: inherited, or bound. `address` is such as `127.0.0.1:8888`, `[::]:80`
    /// (IPv4 as well) or `tcp6:[::]:80` (IPv6 only).
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn tcp(&mut self, name: &str, address: &str) -> Result<TcpListener, ListenError> {
        self.listener(name, SocketKind::Tcp, address)
    }

    /// A Unix stream listener at a path, or with an abstract name such as `@name`.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn unix(&mut self, name: &str, address: &str) -> Result<UnixListener, ListenError> {
        self.listener(name, SocketKind::UnixStream, address)
    }

    /// A Unix listener of sequenced packets.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn seqpacket(
        &mut self,
        name: &str,
        address: &str,
    ) -> Result<SeqpacketListener, ListenError> {
        self.listener(name, SocketKind::UnixSeqpacket, address)
    }

    /// `count` TCP listeners on one address, each with a queue of its own (`SO_REUSEPORT`); they
    /// are named `name/0`, `name/1`, …
    ///
    /// A next version that claims fewer closes the rest, and what is in their queues at that
    /// moment is lost, unless `net.ipv4.tcp_migrate_req` is 1.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn tcp_group(
        &mut self,
        name: &str,
        address: &str,
        count: NonZeroU16,
    ) -> Result<Vec<TcpListener>, ListenError> {
        let group = self.claims.group(name, SocketKind::Tcp, address, count)?;
        Ok(group.into_iter().map(Listener::new).collect())
    }

    /// A UDP socket.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn udp(&mut self, name: &str, address: &str) -> Result<UdpSocket, ListenError> {
        self.datagram_socket(name, SocketKind::Udp, address)
    }

    /// A Unix datagram socket.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn unix_datagram(
        &mut self,
        name: &str,
        address: &str,
    ) -> Result<UnixDatagramSocket, ListenError> {
        self.datagram_socket(name, SocketKind::UnixDatagram, address)
    }

    /// A socket of any kind, for a server that accepts by itself.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub fn socket(
        &mut self,
        name: &str,
        address: &Address,
        options: &BindOptions,
    ) -> Result<Socket, ListenError> {
        self.claims.socket(name, address, options)
    }

    /// Any other descriptor that the old process [kept](Self::keep) or a service manager passed
    /// by this name.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the name is in use or none.
    pub fn inherited(&mut self, name: &str) -> Result<Option<Socket>, ListenError> {
        self.claims.inherited(name)
    }

    /// Passes any other descriptor on to later generations under this name.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the name is in use or none.
    pub fn keep(&mut self, name: &str, descriptor: OwnedFd) -> Result<(), ListenError> {
        self.claims.keep(name, descriptor)
    }

    /// Asks for connections that the old process [hands over](crate::Connection::hand_over) by this
    /// name. An old process whose successor does not ask keeps them.
    ///
    /// # Errors
    ///
    /// [`ListenError`] if the name is none, or in use for other connections.
    pub fn handed_over<S: Stream>(&mut self, name: &str) -> Result<HandedOver<S>, ListenError> {
        let mailbox = self.claims.program_mailbox(name, S::KIND)?;
        Ok(HandedOver::new(Reception::new(mailbox, self.claims.shared())))
    }

    /// Serves HTTP on a listener, once this process is [ready](Self::ready) and for the rest of its
    /// life. `app` is any tower service, such as an `axum::Router`; see [`crate::http`].
    ///
    /// A client that shuts its side down with its request (a half-closed connection) is taken to
    /// have left, as by hyper's default: `app` may be called for it, and is not waited for.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[cfg(feature = "http")]
    pub fn serve<S, A, B>(&mut self, listener: Listener<S>, app: A)
    where
        S: AsyncStream,
        A: TowerService<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        A::Future: Send,
        A::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.serve_with(listener, app, HttpOptions::new());
    }

    /// [`Service::serve`] with settings.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[cfg(feature = "http")]
    pub fn serve_with<S, A, B>(&mut self, listener: Listener<S>, app: A, options: HttpOptions)
    where
        S: AsyncStream,
        A: TowerService<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        A::Future: Send,
        A::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        #[cfg(feature = "tls")]
        let options = options.with_tickets(|| self.tickets());
        let mailbox = options.can_move().then(|| {
            let protocol = Text::from(HTTP1);
            let receiver = rekindle_core::Receiver { name: listener.listener_name(), protocol };
            self.claims.mailbox(receiver, system_kind(listener.kind()))
        });
        let (shared, permits) = (self.claims.shared(), self.permits.clone());
        Server::start(shared, listener, mailbox, options, permits, app);
    }

    /// The program can serve. If there is an old process, it commits now: from here on this
    /// process accepts, and the old one does not.
    ///
    /// # Errors
    ///
    /// If the old process does not let this one take over. It serves on, and this one should exit.
    pub async fn ready(self) -> Result<Running, NewFailure> {
        let shared = self.claims.ready();
        shared
            .stage
            .until(|stage| match stage {
                Stage::Starting => None,
                Stage::Failed(failure) => Some(Err(failure.clone())),
                _ => Some(Ok(())),
            })
            .await?;
        Ok(Running::new(shared))
    }

    /// The program cannot serve: the old process, if there is one, gets `words` for its verdict
    /// and serves on.
    pub fn fail(self, words: impl std::fmt::Display) {
        self.claims.fail(&words);
    }

    /// The session tickets of this process, once a listener wants them.
    #[cfg(feature = "tls")]
    fn tickets(&mut self) -> Tickets {
        let Self { claims, tickets, .. } = self;
        let fresh = || Tickets::of(claims);
        tickets.get_or_insert_with(fresh).clone()
    }

    fn listener<S: Stream>(
        &mut self,
        name: &str,
        kind: SocketKind,
        address: &str,
    ) -> Result<Listener<S>, ListenError> {
        let acceptor: Acceptor = self.claims.acceptor(name, kind, address)?;
        Ok(Listener::new(acceptor))
    }

    fn datagram_socket<T: DatagramTransport>(
        &mut self,
        name: &str,
        kind: SocketKind,
        address: &str,
    ) -> Result<DatagramSocket<T>, ListenError> {
        let receiver: Receiver<T> = self.claims.receiver(name, kind, address)?;
        let held = Arc::clone(receiver.held());
        DatagramSocket::new(receiver)
            .map_err(|source| ListenError::Register { name: held.name().clone(), source })
    }
}
