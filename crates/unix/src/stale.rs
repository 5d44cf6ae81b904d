//! Stale socket paths: what a dead process left where a socket is to be bound is recognised and
//! cleared away. It refuses to touch what is alive, what is no socket, and what it cannot judge.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::directory_lock::DirectoryLock;
use crate::identity::Metadata;

/// Why a path cannot be bound.
#[derive(Debug)]
pub(crate) enum Occupied {
    /// Some process has a socket bound there.
    Live,
    /// What stands there is no socket, and so not ours to remove.
    NotASocket,
    /// It could not be found out.
    Unknown(io::Error),
}

/// Makes sure that nothing stands at `path`: removes it if it is the socket of a dead process.
///
/// The lock of the path's directory is asked for as proof that it is held: between the check and
/// the caller's `bind`, no other starter can come to the same conclusion.
pub(crate) fn clear(path: &Path, _lock: &DirectoryLock) -> Result<(), Occupied> {
    let metadata = match Metadata::of_path(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Occupied::Unknown(error)),
    };
    if !metadata.is_socket() {
        return Err(Occupied::NotASocket);
    }
    if is_live(path).map_err(Occupied::Unknown)? {
        return Err(Occupied::Live);
    }
    match rustix::fs::unlink(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Occupied::Unknown(errno.into())),
    }
}

/// Whether any process has a socket bound at `path`.
///
/// A datagram socket is connected to it, whatever its type: that sends nothing and leaves no
/// connection in an accept queue. The kernel looks for the bound socket first and compares the
/// types afterwards, so the answer is `ECONNREFUSED` only if there is none (see `unix(7)`); it
/// says "live" of a stream socket that is bound and does not listen yet, too.
fn is_live(path: &Path) -> io::Result<bool> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    match rustix::net::connect(&probe, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        // Of another type, connected to somebody else already, or short of memory: there is one.
        Ok(()) | Err(Errno::PROTOTYPE | Errno::PERM | Errno::AGAIN) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;
    use std::time::{Duration, Instant};

    use super::*;

    const KINDS: [SocketType; 3] = [SocketType::STREAM, SocketType::DGRAM, SocketType::SEQPACKET];

    fn bound(path: &Path, kind: SocketType) -> OwnedFd {
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
                .unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
        socket
    }

    fn clear_locked(path: &Path) -> Result<(), Occupied> {
        clear(path, &DirectoryLock::acquire_for(path).unwrap())
    }

    /// A child that another test starts has a copy of the socket until it executes its program.
    fn clear_in_time(path: &Path) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(occupied) = clear_locked(path) {
            assert!(matches!(occupied, Occupied::Live), "{occupied:?}");
            assert!(Instant::now() < deadline, "a dead socket was taken for a live one");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_dead_socket_of_any_kind_is_cleared_away_and_a_live_one_is_not() {
        for kind in KINDS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("x.sock");
            let socket = bound(&path, kind);
            // A stream socket that does not listen yet refuses connections like a dead one.
            assert!(matches!(clear_locked(&path), Err(Occupied::Live)), "{kind:?}");
            if kind != SocketType::DGRAM {
                rustix::net::listen(&socket, 0).unwrap();
                assert!(matches!(clear_locked(&path), Err(Occupied::Live)), "{kind:?}");
            }
            assert!(path.exists());
            drop(socket);
            clear_in_time(&path);
            assert!(!path.exists(), "{kind:?}");
        }
    }

    #[test]
    fn a_look_at_a_live_listener_leaves_nothing_in_its_queue() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert!(matches!(clear_locked(&path), Err(Occupied::Live)));
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_datagram_socket_that_talks_to_one_peer_alone_is_live() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let peer_path = directory.path().join("peer.sock");
        let _peer = UnixDatagram::bind(&peer_path).unwrap();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.connect(&peer_path).unwrap();
        assert!(matches!(clear_locked(&path), Err(Occupied::Live)));
    }

    #[test]
    fn what_is_no_socket_is_never_touched() {
        let directory = tempfile::tempdir().unwrap();
        let dead = directory.path().join("dead.sock");
        drop(bound(&dead, SocketType::STREAM));
        let file = directory.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&dead, &link).unwrap();
        let folder = directory.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        for path in [&file, &link, &folder] {
            assert!(matches!(clear_locked(path), Err(Occupied::NotASocket)), "{path:?}");
            assert!(path.symlink_metadata().is_ok(), "{path:?} was removed");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        assert!(dead.exists(), "the target of a link was removed");
    }

    #[test]
    fn an_empty_place_is_clear() {
        let directory = tempfile::tempdir().unwrap();
        clear_locked(&directory.path().join("x.sock")).unwrap();
    }
}
