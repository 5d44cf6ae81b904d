//! Opening connections. Owns the client's own addresses and who is to blame if there is none left;
//! refuses to try again what the server refused.
//!
//! # Ports
//! A client that closes first keeps its port in `TIME_WAIT` for a minute, and an address has some
//! 28,000 ports (`ip_local_port_range`). Two things keep the client from running out:
//! - It lets the server close first, and `TIME_WAIT` then stays on the server's side.
//! - On loopback, when an address has no port left, it goes on from the next of
//!   [`LOOPBACK_SOURCES`] in 127.0.0.0/8. Until then it comes from where the kernel lets it come
//!   from, so that a server's rules on addresses see nothing unusual.
//!
//! Trying the next source is no retry: no packet has left the machine. If all fails the request
//! counts as `could_not_measure`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::io::Errno;
use tokio::net::{TcpSocket, TcpStream, UdpSocket, UnixStream};

use crate::account::cause::Cause;
use crate::account::failure::FailureKind;
use crate::account::fault::Fault;
use crate::endpoint::Endpoint;
use crate::flow::SLOW_RECEIVE_BUFFER_BYTES;
use crate::group::Group;
use crate::stream::Stream;
use crate::stream::encrypted::Encrypted;
use crate::stream::socket::Socket;
use crate::target::Target;
use crate::tls::{TlsClient, TlsError};

/// How many sources a client on loopback has: the kernel's choice, and 63 of its own.
const LOOPBACK_SOURCES: u8 = 64;

/// How often a datagram's client takes another port instead of the server's own. It is one of some
/// 28,000: to meet it so often in a row, nearly all others must be taken.
const BIND_TRIES: usize = 8;

/// Opens connections to one endpoint.
#[derive(Debug)]
pub(crate) struct Connector {
    target: Target,
    tls: Option<TlsClient>,
    /// Whether it makes receive buffers small.
    reads_slowly: bool,
    sources: Sources,
}

/// A new connection, and the client's own port if it has one.
#[derive(Debug)]
pub(crate) struct Connected<S> {
    pub(crate) stream: S,
    pub(crate) local_port: Option<u16>,
}

impl Connector {
    /// For the connections of one group, which have small receive buffers if it reads slowly.
    pub(crate) fn new(endpoint: &Endpoint, group: &Group) -> Result<Self, TlsError> {
        let target = endpoint.target().clone();
        let tls = endpoint.security().map(|tls| tls.client(group.protocol.alpn())).transpose()?;
        let is_loopback_v4 = matches!(
            &target,
            Target::Tcp(SocketAddr::V4(address)) if address.ip().is_loopback()
        );
        let count = if is_loopback_v4 { LOOPBACK_SOURCES } else { 1 };
        let sources = Sources { count, current: AtomicU8::new(0) };
        Ok(Self { target, tls, reads_slowly: group.read_rate.is_some(), sources })
    }

    /// Opens a connection. With TLS, the handshake is still to come.
    pub(crate) async fn connect(&self) -> Result<Connected<Stream>, Fault> {
        let (socket, local_port) = match &self.target {
            Target::Tcp(address) => {
                let connect = async |source| tcp(*address, source, self.reads_slowly).await;
                let (stream, port) = self.sources.first_with_ports(connect).await?;
                (Socket::Tcp(stream), Some(port))
            }
            Target::Unix(path) => {
                let opened = UnixStream::connect(path).await;
                (Socket::Unix(opened.map_err(|error| not_connected(&error))?), None)
            }
            Target::Udp(_) => unreachable!("the plan was checked: streams do not go to UDP"),
        };
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            Some(tls) => {
                let encrypted = Encrypted::new(socket, tls).map_err(|error| Fault {
                    kind: FailureKind::CouldNotMeasure,
                    cause: Cause::from(&error),
                })?;
                Stream::Tls(Box::new(encrypted))
            }
        };
        Ok(Connected { stream, local_port })
    }

    /// Opens a socket for datagrams to the target alone. Nothing is sent yet.
    pub(crate) async fn datagrams(&self) -> Result<Connected<UdpSocket>, Fault> {
        let Target::Udp(target) = self.target else {
            unreachable!("the plan was checked: datagrams go to UDP");
        };
        let any: IpAddr = match target {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let opened = async {
            let socket = beside(target.port(), || UdpSocket::bind((any, 0))).await?;
            socket.connect(target).await?;
            let port = socket.local_addr()?.port();
            Ok(Connected { stream: socket, local_port: Some(port) })
        };
        opened.await.map_err(|error| not_bound(&error))
    }
}

async fn tcp(
    target: SocketAddr,
    source: Option<IpAddr>,
    reads_slowly: bool,
) -> Result<(TcpStream, u16), Fault> {
    let opened = async {
        let socket = match target {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if reads_slowly {
            // Before the connection is made: the window is agreed upon then.
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER_BYTES)?;
        }
        if let Some(source) = source {
            socket.bind((source, 0).into())?;
        }
        socket.connect(target).await
    };
    let stream = opened.await.map_err(|error| not_connected(&error))?;
    settle(stream)
}

/// Makes a new connection fit for use, unless it met itself: if nobody listens on a port of the
/// ephemeral range, the kernel may choose that very port for the client, and both ends are one. The
/// target does not say it: 0.0.0.0 leads to 127.0.0.1.
fn settle(stream: TcpStream) -> Result<(TcpStream, u16), Fault> {
    let ends = || Ok((stream.local_addr()?, stream.peer_addr()?));
    let (local, peer) = ends().map_err(|error| not_connected(&error))?;
    if local == peer {
        // Without a reset the port would stay in `TIME_WAIT`, where the server cannot bind it. If
        // this fails, the connection is refused all the same.
        let _ = stream.set_zero_linger();
        return Err(Fault { kind: FailureKind::Refused, cause: Cause::SelfConnected });
    }
    stream.set_nodelay(true).map_err(|error| not_connected(&error))?;
    Ok((stream, local.port()))
}

/// A socket that is not at the server's port. If nobody listens on a port of the ephemeral range,
/// the kernel may choose that very port: the client would hear itself, and keep the server from
/// binding it. So it is let go at once.
async fn beside<F>(server_port: u16, bind: impl Fn() -> F) -> io::Result<UdpSocket>
where
    F: Future<Output = io::Result<UdpSocket>>,
{
    for _ in 0..BIND_TRIES {
        let socket = bind().await?;
        if socket.local_addr()?.port() != server_port {
            return Ok(socket);
        }
    }
    Err(Errno::ADDRINUSE.into())
}

/// Who is to blame for a connection that was not opened.
fn not_connected(error: &io::Error) -> Fault {
    let kind = match Errno::from_io_error(error) {
        // No port, descriptor or memory on the client's own side.
        Some(
            Errno::ADDRNOTAVAIL
            | Errno::ADDRINUSE
            | Errno::MFILE
            | Errno::NFILE
            | Errno::NOBUFS
            | Errno::NOMEM,
        ) => FailureKind::CouldNotMeasure,
        Some(Errno::TIMEDOUT) => FailureKind::TimedOut,
        _ => FailureKind::Refused,
    };
    Fault { kind, cause: error.into() }
}

/// As `not_connected`, for a socket that sends nothing when it connects.
fn not_bound(error: &io::Error) -> Fault {
    match Errno::from_io_error(error) {
        // All ports are taken.
        Some(Errno::AGAIN) => {
            Fault { kind: FailureKind::CouldNotMeasure, cause: Cause::from(error) }
        }
        _ => not_connected(error),
    }
}

/// The addresses that a client can come from.
#[derive(Debug)]
struct Sources {
    count: u8,
    current: AtomicU8,
}

impl Sources {
    /// Connects from the current source, or from the first after it that has a port left; that one
    /// is current from then on.
    async fn first_with_ports<T, F>(
        &self,
        connect: impl Fn(Option<IpAddr>) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut tries_left = self.count;
        loop {
            let current = self.current.load(Ordering::Relaxed);
            tries_left -= 1;
            match connect(Self::address(current)).await {
                Err(fault) if is_out_of_ports(fault) && tries_left > 0 => {
                    let next = (current + 1) % self.count;
                    // If another task has moved on already, its choice is as good.
                    let _ = self.current.compare_exchange(
                        current,
                        next,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                }
                ended => return ended,
            }
        }
    }

    /// The first source is whatever the kernel chooses.
    fn address(number: u8) -> Option<IpAddr> {
        (number > 0).then(|| Ipv4Addr::new(127, 82, 75, number).into())
    }
}

/// `connect` says `EADDRNOTAVAIL`, `bind` says `EADDRINUSE`.
fn is_out_of_ports(fault: Fault) -> bool {
    let out = [Errno::ADDRNOTAVAIL, Errno::ADDRINUSE].map(Errno::raw_os_error);
    matches!(fault.cause, Cause::System { errno } if out.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::net::TcpListener;

    use super::*;
    use crate::group::Mode;
    use crate::request::Request;

    fn fault(errno: Errno) -> Fault {
        not_connected(&io::Error::from(errno))
    }

    fn to(target: Target) -> Connector {
        Connector::new(&target.into(), &Group::new(Mode::New, Request::get("/"))).unwrap()
    }

    fn loopback() -> Sources {
        to(Target::Tcp(([127, 0, 0, 1], 1).into())).sources
    }

    #[tokio::test]
    async fn the_next_source_is_used_when_one_has_no_port() {
        let sources = loopback();
        let tried = RefCell::new(Vec::new());
        let connect = |source: Option<IpAddr>| {
            tried.borrow_mut().push(source);
            std::future::ready(match tried.borrow().len() {
                1 => Err(fault(Errno::ADDRNOTAVAIL)),
                2 => Err(fault(Errno::ADDRINUSE)),
                _ => Ok(()),
            })
        };
        assert_eq!(sources.first_with_ports(connect).await, Ok(()));
        let own = |last| Some(IpAddr::from([127, 82, 75, last]));
        assert_eq!(*tried.borrow(), [None, own(1), own(2)]);
        assert_eq!(sources.first_with_ports(connect).await, Ok(()));
        assert_eq!(tried.borrow().last(), Some(&own(2)), "it stays where there are ports");
    }

    #[tokio::test]
    async fn every_source_is_tried_once_and_then_it_is_told() {
        let tried = RefCell::new(Vec::new());
        let sources = loopback();
        let connected = sources
            .first_with_ports(|source| {
                tried.borrow_mut().push(source);
                std::future::ready(Err::<(), _>(fault(Errno::ADDRNOTAVAIL)))
            })
            .await;
        assert_eq!(connected.unwrap_err().kind, FailureKind::CouldNotMeasure);
        let mut distinct = tried.take();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), usize::from(LOOPBACK_SOURCES));
    }

    #[tokio::test]
    async fn a_refusal_is_not_tried_again() {
        let tries = RefCell::new(0);
        let connected = loopback()
            .first_with_ports(|_| {
                *tries.borrow_mut() += 1;
                std::future::ready(Err::<(), _>(fault(Errno::CONNREFUSED)))
            })
            .await;
        assert_eq!(connected.unwrap_err().kind, FailureKind::Refused);
        assert_eq!(tries.take(), 1);
    }

    #[test]
    fn only_loopback_has_more_than_one_source() {
        let count = |target: &str| to(Target::Tcp(target.parse().unwrap())).sources.count;
        assert_eq!(count("127.0.0.1:1"), LOOPBACK_SOURCES);
        assert_eq!(count("[::1]:1"), 1);
        assert_eq!(count("0.0.0.0:1"), 1);
        assert_eq!(to(Target::Unix("/x".into())).sources.count, 1);
    }

    #[test]
    fn blame_follows_the_errno() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(fault(errno).kind, FailureKind::CouldNotMeasure, "{errno:?}");
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::NOENT, Errno::AGAIN] {
            assert_eq!(fault(errno).kind, FailureKind::Refused, "{errno:?}");
        }
        assert_eq!(fault(Errno::TIMEDOUT).kind, FailureKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_that_met_itself_is_refused_and_leaves_the_port_free() {
        for any in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((any, 0).into()).unwrap();
            let target = socket.local_addr().unwrap();
            let met = socket.connect(target).await.unwrap();
            let fault = settle(met).unwrap_err();
            assert_eq!(fault.cause, Cause::SelfConnected);
            assert_eq!(fault.kind, FailureKind::Refused);
            let server = TcpSocket::new_v4().unwrap();
            server.bind(target).expect("no end of the connection is left in TIME_WAIT");
        }
    }

    #[tokio::test]
    async fn datagrams_are_never_sent_from_the_servers_own_port() {
        let any = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
        let taken = any().await.unwrap();
        let server_port = taken.local_addr().unwrap().port();
        let sockets = RefCell::new(vec![any().await.unwrap(), taken]);
        let socket = beside(server_port, async || Ok(sockets.borrow_mut().pop().unwrap())).await;
        assert_ne!(socket.unwrap().local_addr().unwrap().port(), server_port);
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, server_port)).await;
        server.expect("the port is left to the server");
    }

    #[tokio::test]
    async fn the_local_port_is_the_one_the_server_sees() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let connector = to(Target::Tcp(listener.local_addr().unwrap()));
        let (connected, accepted) = tokio::join!(connector.connect(), listener.accept());
        assert_eq!(connected.unwrap().local_port, Some(accepted.unwrap().1.port()));
    }
}
