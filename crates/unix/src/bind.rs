//! `bind`: from an address to a bound, listening socket. It refuses to make a socket that could
//! block or that a child would inherit by accident, and to take an address from a live process.

mod error;
mod options;

pub use error::BindError;
pub use options::BindOptions;

use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::address::{InternetAddress, UnixName};
use crate::directory_lock::DirectoryLock;
use crate::identity::Metadata;
use crate::inspect::look;
use crate::{Address, SocketKind, stale};

/// Binds a socket to an address and, where its kind accepts connections, listens.
///
/// The socket is close-on-exec and non-blocking. Non-blocking is a state of the open file
/// description, which every generation shares: never switch it off, not even for one process.
/// `SO_REUSEADDR` is set for TCP, so that connections in `TIME_WAIT` do not stand in the way.
///
/// At a path, a socket that a dead process left behind is replaced. Call
/// [`SocketPath::claim`](crate::SocketPath::claim) afterwards if the path is to be removed in the
/// end.
///
/// # Errors
///
/// [`BindError`] says what stands in the way; nothing is left over then.
pub fn bind(address: &Address, options: &BindOptions) -> Result<OwnedFd, BindError> {
    if address.unix_name().is_some_and(|name| name.check().is_err()) {
        return Err(BindError::Name { address: address.clone() });
    }
    match address.unix_path() {
        Some(path) => bind_path(address, path, options),
        None => bind_name(address, options).map_err(|errno| BindError::from_errno(address, errno)),
    }
}

/// Binds `count` sockets to one internet address with `SO_REUSEPORT`, one for each worker.
///
/// With port 0 the first socket decides the port. The order of the result is the order of
/// binding, in which the system numbers the sockets (see `SO_ATTACH_REUSEPORT_EBPF` in
/// `socket(7)`).
///
/// # Errors
///
/// As [`bind`](fn@bind), and [`BindError::NotShareable`] for Unix addresses.
pub fn bind_group(
    address: &Address,
    count: NonZeroU16,
    options: &BindOptions,
) -> Result<Vec<OwnedFd>, BindError> {
    if address.internet().is_none() {
        return Err(BindError::NotShareable { address: address.clone() });
    }
    let options = options.reuse_port(true);
    let first = bind(address, &options)?;
    let found = look(first.as_fd()).map_err(|source| BindError::from_io(address, source))?;
    let bound = found.local.unwrap_or_else(|| address.clone());
    let mut group = vec![first];
    for _ in 1..count.get() {
        group.push(bind(&bound, &options)?);
    }
    Ok(group)
}

/// Binds a name that the kernel keeps and that vanishes with the socket.
fn bind_name(address: &Address, options: &BindOptions) -> Result<OwnedFd, Errno> {
    let socket = open(address, options)?;
    assign(&socket, address)?;
    listen(&socket, address.socket_kind(), options)?;
    Ok(socket)
}

/// Binds a path. The lock on its directory is held from the first look until the socket listens.
fn bind_path(address: &Address, path: &Path, options: &BindOptions) -> Result<OwnedFd, BindError> {
    let failed = |errno| BindError::from_errno(address, errno);
    let lock =
        DirectoryLock::acquire_for(path).map_err(|fault| BindError::from_lock(address, fault))?;
    stale::clear(path, &lock).map_err(|occupied| BindError::from_occupied(address, occupied))?;
    let socket = open(address, options).map_err(failed)?;
    assign(&socket, address).map_err(failed)?;
    let finished = match options.unix_mode {
        Some(mode) => widen(path, Mode::from_raw_mode(mode & 0o777)),
        None => Ok(()),
    }
    .and_then(|()| Ok(listen(&socket, address.socket_kind(), options)?));
    if let Err(source) = finished {
        // The path was made above, under the lock. If it cannot be removed, it is a stale path,
        // which the next start replaces; the first failure is the one to tell.
        let _stale_at_worst = rustix::fs::unlink(path);
        return Err(BindError::from_io(address, source));
    }
    Ok(socket)
}

/// Opens a socket of the address's family and type, with all that must be set before binding.
fn open(address: &Address, options: &BindOptions) -> Result<OwnedFd, Errno> {
    let kind = match address.socket_kind() {
        SocketKind::Udp | SocketKind::UnixDatagram => SocketType::DGRAM,
        SocketKind::UnixSeqpacket => SocketType::SEQPACKET,
        SocketKind::Tcp | SocketKind::UnixStream | SocketKind::Other => SocketType::STREAM,
    };
    let family = match address.internet() {
        Some(internet) if internet.socket().is_ipv4() => AddressFamily::INET,
        Some(_) => AddressFamily::INET6,
        None => AddressFamily::UNIX,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, kind, flags, None)?;
    if let Some(internet) = address.internet() {
        configure(&socket, internet, address.socket_kind(), options)?;
    } else if let Some(mode) = options.unix_mode {
        // The kernel gives the file the mode of the unbound socket, less the umask. So the file
        // is never open to more than was asked for; `widen` adds what the umask took.
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(mode & 0o777))?;
    }
    Ok(socket)
}

fn configure(
    socket: &OwnedFd,
    internet: &InternetAddress,
    kind: SocketKind,
    options: &BindOptions,
) -> Result<(), Errno> {
    if internet.socket().is_ipv6() {
        sockopt::set_ipv6_v6only(socket, internet.only_v6())?;
    }
    // For UDP it would let another process of this user take the datagrams away.
    if kind == SocketKind::Tcp {
        sockopt::set_socket_reuseaddr(socket, true)?;
    }
    if options.reuse_port {
        sockopt::set_socket_reuseport(socket, true)?;
    }
    Ok(())
}

fn assign(socket: &OwnedFd, address: &Address) -> Result<(), Errno> {
    match address {
        Address::Tcp(internet) | Address::Udp(internet) => {
            rustix::net::bind(socket, &internet.socket())
        }
        Address::UnixStream(name) | Address::UnixDatagram(name) | Address::UnixSeqpacket(name) => {
            rustix::net::bind(socket, &unix_address(name)?)
        }
    }
}

pub(crate) fn unix_address(name: &UnixName) -> Result<SocketAddrUnix, Errno> {
    match name {
        UnixName::Path(path) => SocketAddrUnix::new(path.as_path()),
        UnixName::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
    }
}

/// Adds the permissions that the umask took when the path was bound.
///
/// The file is opened first and changed through that: whoever may write to the directory could
/// put a link to another file in its place.
fn widen(path: &Path, mode: Mode) -> std::io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let metadata = Metadata::of_descriptor(&file)?;
    if !metadata.is_socket() || metadata.permissions == mode {
        return Ok(());
    }
    let through = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    Ok(rustix::fs::chmod(through, mode)?)
}

/// Listens if the kind accepts connections. The kernel caps the backlog at `somaxconn`, so the
/// largest number means the cap, whatever it is just now.
fn listen(socket: &OwnedFd, kind: SocketKind, options: &BindOptions) -> Result<(), Errno> {
    if !kind.accepts() {
        return Ok(());
    }
    let backlog = options.backlog.and_then(|backlog| i32::try_from(backlog).ok());
    rustix::net::listen(socket, backlog.unwrap_or(i32::MAX))
}
