//! `inspect` and `verify`: what a descriptor is, asked of the kernel. It refuses to believe what a
//! message or an environment variable says of it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixDatagram;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, getpeername, ipproto, sockopt};

use crate::address::{InternetAddress, UnixName};
use crate::{Address, Identity, SocketKind};

/// What a descriptor is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Which sort of socket, or [`SocketKind::Other`].
    pub kind: SocketKind,
    /// Whether it accepts connections (`SO_ACCEPTCONN`).
    pub listening: bool,
    /// What it is bound to, as `getsockname(2)` says; `None` if to nothing or of another kind.
    pub local: Option<Address>,
}

/// Asks the kernel what a descriptor is. A descriptor that is no socket is
/// [`SocketKind::Other`].
///
/// # Errors
///
/// [`InspectError::Other`] if the kernel does not say.
pub fn inspect(descriptor: BorrowedFd<'_>) -> Result<Inspection, InspectError> {
    look(descriptor)
        .map_err(|source| InspectError::Other { descriptor: descriptor.as_raw_fd(), source })
}

/// Checks that a descriptor is a socket of that kind, listening if the kind accepts connections,
/// and, if an address is given, bound there.
///
/// # Errors
///
/// One variant of [`InspectError`] for each thing that can be otherwise.
pub fn verify(
    descriptor: BorrowedFd<'_>,
    expected_kind: SocketKind,
    expected_local: Option<&Address>,
) -> Result<(), InspectError> {
    let found = inspect(descriptor)?;
    let descriptor = descriptor.as_raw_fd();
    if found.kind != expected_kind {
        let (expected, found) = (expected_kind, found.kind);
        return Err(InspectError::Kind { descriptor, expected, found });
    }
    if expected_kind.accepts() && !found.listening {
        return Err(InspectError::NotListening { descriptor, kind: expected_kind });
    }
    match (expected_local, found.local) {
        (Some(expected), None) => {
            Err(InspectError::NotBound { descriptor, expected: expected.clone() })
        }
        (Some(expected), Some(found)) if *expected != found => {
            Err(InspectError::BoundElsewhere { descriptor, expected: expected.clone(), found })
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// Checks that a descriptor is an established connection of that kind. Returns the address of its
/// other end, if that is one of the internet.
///
/// # Errors
///
/// [`InspectError::Kind`] or [`InspectError::NotConnected`] if it is something else.
pub fn verify_connection(
    descriptor: BorrowedFd<'_>,
    expected: SocketKind,
) -> Result<Option<SocketAddr>, InspectError> {
    if expected == SocketKind::Tcp
        && let Some(peer) = tcp_peer(descriptor)
    {
        return Ok(Some(peer));
    }
    let number = descriptor.as_raw_fd();
    let found = match socket_kind(descriptor) {
        Ok(found) => found,
        Err(Errno::NOTSOCK) => SocketKind::Other,
        Err(errno) => {
            return Err(InspectError::Other { descriptor: number, source: errno.into() });
        }
    };
    if found != expected {
        return Err(InspectError::Kind { descriptor: number, expected, found });
    }
    // A listener is not connected either.
    match peer_name(descriptor, expected) {
        Ok(peer) => Ok(peer),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(InspectError::NotConnected { descriptor: number, kind: expected })
        }
        Err(source) => Err(InspectError::Other { descriptor: number, source }),
    }
}

/// Which open file or socket a descriptor means: equal for all descriptors of one socket, in
/// whatever process.
///
/// # Errors
///
/// [`InspectError::Other`] if the kernel does not say.
pub fn open_file_identity(descriptor: BorrowedFd<'_>) -> Result<Identity, InspectError> {
    Identity::of_descriptor(descriptor)
        .map_err(|source| InspectError::Other { descriptor: descriptor.as_raw_fd(), source })
}

/// Why a descriptor is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// Another family, type or protocol, or no socket.
    #[error(
        "accept descriptor {descriptor}: expected a socket of kind `{expected}`, found `{found}`"
    )]
    Kind {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// What it should be.
        expected: SocketKind,
        /// What it is.
        found: SocketKind,
    },
    /// A connection, or a socket on which nobody called `listen`.
    #[error("accept descriptor {descriptor}: the `{kind}` socket does not listen")]
    NotListening {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// What it is.
        kind: SocketKind,
    },
    /// A listener, or a socket whose other end is gone or was never there.
    #[error("accept descriptor {descriptor}: the `{kind}` socket is not connected")]
    NotConnected {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// What it is.
        kind: SocketKind,
    },
    /// A socket without an address.
    #[error(
        "accept descriptor {descriptor}: expected it at `{expected}`, found it bound to nothing"
    )]
    NotBound {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// Where it should be bound.
        expected: Address,
    },
    /// A socket at another address.
    #[error("accept descriptor {descriptor}: expected it at `{expected}`, found it at `{found}`")]
    BoundElsewhere {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// Where it should be bound.
        expected: Address,
        /// Where it is bound.
        found: Address,
    },
    /// The system refuses for a reason of its own.
    #[error("inspect descriptor {descriptor}")]
    Other {
        /// The number of the descriptor.
        descriptor: RawFd,
        /// What the system says.
        source: io::Error,
    },
}

/// [`inspect`] for callers with an error of their own.
pub(crate) fn look(descriptor: BorrowedFd<'_>) -> io::Result<Inspection> {
    let kind = match socket_kind(descriptor) {
        Ok(kind) => kind,
        Err(Errno::NOTSOCK) => SocketKind::Other,
        Err(errno) => return Err(errno.into()),
    };
    if kind == SocketKind::Other {
        return Ok(Inspection { kind, listening: false, local: None });
    }
    let listening = sockopt::socket_acceptconn(descriptor)?;
    let local = local_address(descriptor, kind)?;
    Ok(Inspection { kind, listening, local })
}

/// The protocol is asked for too: MPTCP and SCTP have stream sockets, ICMP datagram sockets, and
/// the first alone behaves as TCP does.
fn socket_kind(descriptor: BorrowedFd<'_>) -> Result<SocketKind, Errno> {
    let family = sockopt::socket_domain(descriptor)?;
    let socket_type = sockopt::socket_type(descriptor)?;
    if family == AddressFamily::UNIX {
        return Ok(match socket_type {
            SocketType::STREAM => SocketKind::UnixStream,
            SocketType::DGRAM => SocketKind::UnixDatagram,
            SocketType::SEQPACKET => SocketKind::UnixSeqpacket,
            _ => SocketKind::Other,
        });
    }
    if family != AddressFamily::INET && family != AddressFamily::INET6 {
        return Ok(SocketKind::Other);
    }
    Ok(match (socket_type, sockopt::socket_protocol(descriptor)?) {
        (SocketType::STREAM, Some(ipproto::TCP | ipproto::MPTCP)) => SocketKind::Tcp,
        (SocketType::DGRAM, Some(ipproto::UDP)) => SocketKind::Udp,
        _ => SocketKind::Other,
    })
}

/// The standard library's types read the names, over a duplicate since they own what they read.
/// `rustix` would not do here: of version 1.1.6 the reader of Unix addresses panics at a path that
/// fills `sun_path` to its last byte, and takes a socket without a name for one with an empty
/// name. Whoever sends a descriptor chooses both.
fn local_address(descriptor: BorrowedFd<'_>, kind: SocketKind) -> io::Result<Option<Address>> {
    Ok(match kind {
        SocketKind::Tcp => internet_address(descriptor)?.map(Address::Tcp),
        SocketKind::Udp => internet_address(descriptor)?.map(Address::Udp),
        SocketKind::UnixStream => unix_name(descriptor)?.map(Address::UnixStream),
        SocketKind::UnixDatagram => unix_name(descriptor)?.map(Address::UnixDatagram),
        SocketKind::UnixSeqpacket => unix_name(descriptor)?.map(Address::UnixSeqpacket),
        SocketKind::Other => None,
    })
}

/// Port 0 is what the kernel says of a socket that is not bound.
fn internet_address(descriptor: BorrowedFd<'_>) -> io::Result<Option<InternetAddress>> {
    let socket = UdpSocket::from(descriptor.try_clone_to_owned()?);
    Ok(match socket.local_addr()? {
        name if name.port() == 0 => None,
        SocketAddr::V6(name) if sockopt::ipv6_v6only(descriptor)? => {
            Some(InternetAddress::only_v6_at(name))
        }
        name => Some(InternetAddress::from(name)),
    })
}

/// The other end of an established connection of TCP; none if it may be something else. It asks as
/// little as will do, for thousands may come at once: only a socket of TCP, of MPTCP or of what
/// stands in for them answers for an option of TCP, and only one that is connected has a peer.
fn tcp_peer(descriptor: BorrowedFd<'_>) -> Option<SocketAddr> {
    sockopt::tcp_nodelay(descriptor).ok()?;
    internet_peer(descriptor).ok()?
}

/// Fails if there is none. As for [`local_address`], `rustix` would not do for Unix sockets; for
/// the others it does, and duplicates no descriptor.
fn peer_name(descriptor: BorrowedFd<'_>, kind: SocketKind) -> io::Result<Option<SocketAddr>> {
    match kind {
        SocketKind::Tcp | SocketKind::Udp => internet_peer(descriptor),
        SocketKind::UnixStream | SocketKind::UnixDatagram | SocketKind::UnixSeqpacket => {
            UnixDatagram::from(descriptor.try_clone_to_owned()?).peer_addr().map(|_name| None)
        }
        SocketKind::Other => Err(io::ErrorKind::NotConnected.into()),
    }
}

fn internet_peer(descriptor: BorrowedFd<'_>) -> io::Result<Option<SocketAddr>> {
    Ok(getpeername(descriptor)?.and_then(|peer| SocketAddr::try_from(peer).ok()))
}

fn unix_name(descriptor: BorrowedFd<'_>) -> io::Result<Option<UnixName>> {
    let name = UnixDatagram::from(descriptor.try_clone_to_owned()?).local_addr()?;
    Ok(match name.as_pathname() {
        Some(path) => Some(UnixName::Path(path.to_path_buf())),
        None => name.as_abstract_name().map(|name| UnixName::Abstract(name.to_vec())),
    })
}
