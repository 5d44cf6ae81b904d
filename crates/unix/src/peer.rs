//! `PeerCredentials`: who is at the other end of a Unix socket, on the kernel's word. It refuses
//! to take anybody's own word for it.
#![expect(unsafe_code, reason = "rustix has no type for a peer of another pid namespace")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

/// The process that connected, or listened, or made the pair, as it was at that moment
/// (`SO_PEERCRED` in `unix(7)`).
///
/// Of a socket pair both ends say who made it, wherever they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The process, or `None` if it lives outside of this process's pid namespace. It may have
    /// ended since, and its number may mean another process by now: show it, do not rely on it.
    pub pid: Option<u32>,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

impl PeerCredentials {
    /// Asks the kernel who is at the other end of a connected Unix socket.
    ///
    /// # Errors
    ///
    /// As `getsockopt(2)`; [`io::ErrorKind::NotConnected`] if nobody is, or if the socket is not a
    /// Unix socket.
    pub fn of(socket: impl AsFd) -> io::Result<Self> {
        let found = peer_credentials(&socket)?;
        // What the kernel says of a socket without a peer.
        if found.pid == 0 && found.uid == libc::uid_t::MAX {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let pid = u32::try_from(found.pid).ok().filter(|pid| *pid != 0);
        Ok(Self { pid, uid: found.uid, gid: found.gid })
    }

    /// Whether the peer may control this process: it is the same effective user, or root.
    ///
    /// The group counts for nothing: being let in to a directory is not being let to replace a
    /// program.
    #[must_use]
    pub fn may_control(&self) -> bool {
        self.may_control_user(rustix::process::geteuid().as_raw())
    }

    const fn may_control_user(&self, own_uid: u32) -> bool {
        self.uid == 0 || self.uid == own_uid
    }
}

/// `rustix::net::sockopt::socket_peercred` will not do: its pid cannot be 0, which is what the
/// kernel says of a peer in a foreign pid namespace, such as one in another container.
fn peer_credentials(socket: impl AsFd) -> io::Result<libc::ucred> {
    let mut found = MaybeUninit::<libc::ucred>::uninit();
    let mut length_bytes = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most
    // `length_bytes` bytes to `found`, which has as many, and then says how many it wrote.
    let status = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            found.as_mut_ptr().cast(),
            &raw mut length_bytes,
        )
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    if length_bytes as usize != size_of::<libc::ucred>() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the call succeeded and wrote the whole structure, of which all values are valid.
    Ok(unsafe { found.assume_init() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn the_kernel_names_us_at_both_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        let server = listener.accept().unwrap().0;
        for end in [&client, &server] {
            let peer = PeerCredentials::of(end).unwrap();
            assert_eq!(peer.pid, Some(std::process::id()));
            assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
            assert_eq!(peer.gid, rustix::process::getegid().as_raw());
            assert!(peer.may_control());
        }
    }

    #[test]
    fn a_socket_without_a_peer_has_no_credentials() {
        let unconnected = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let error = PeerCredentials::of(&unconnected).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        let (pipe, _writer) = io::pipe().unwrap();
        PeerCredentials::of(&pipe).unwrap_err();
    }

    #[test]
    fn the_same_user_and_root_may_control_and_nobody_else() {
        let peer = |uid, gid| PeerCredentials { pid: None, uid, gid };
        assert!(peer(1000, 5).may_control_user(1000));
        assert!(peer(0, 5).may_control_user(1000));
        assert!(!peer(1001, 1000).may_control_user(1000));
        assert!(!peer(1000, 0).may_control_user(0));
        assert!(!peer(u32::MAX, 0).may_control_user(1000));
    }
}
