//! `ChannelListener`: the rendezvous, a path at which a new process that somebody else started
//! finds the old one. It refuses to judge who comes: ask [`Channel::peer`].

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, FdFlags, retry_on_intr};
use rustix::net::SocketFlags;

use super::{AcceptError, Channel, ChannelError};
use crate::inspect::look;
use crate::{Address, BindError, BindOptions, SocketKind, UnixName, bind};

/// Nobody but the owner may even connect; root may everywhere.
const OWNER_ALONE: u32 = 0o600;

/// A listening Unix socket of type `SOCK_SEQPACKET`. It is close-on-exec and non-blocking.
#[derive(Debug)]
pub struct ChannelListener(OwnedFd);

impl ChannelListener {
    /// Listens at a path, in place of what a dead process may have left there. Only the same user
    /// can connect.
    ///
    /// The path stays when the listener is dropped: see [`SocketPath`](crate::SocketPath).
    ///
    /// # Errors
    ///
    /// As [`bind`](fn@crate::bind).
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let address = Address::UnixSeqpacket(UnixName::Path(path.to_path_buf()));
        bind(&address, &BindOptions::new().unix_mode(OWNER_ALONE)).map(Self)
    }

    /// Takes a descriptor that was inherited or received, if it is such a listener, and sets it
    /// close-on-exec and non-blocking. Otherwise it is closed.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] says what it is instead.
    pub fn from_owned(descriptor: OwnedFd) -> Result<Self, ChannelError> {
        let found = look(descriptor.as_fd()).map_err(|source| ChannelError::Other { source })?;
        if found.kind != SocketKind::UnixSeqpacket {
            return Err(ChannelError::Kind { found: found.kind });
        }
        if !found.listening {
            return Err(ChannelError::NotListening);
        }
        rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self(descriptor))
    }

    /// Accepts a connection; `None` if nobody is waiting.
    ///
    /// # Errors
    ///
    /// [`AcceptError::DescriptorLimit`] while no descriptor is free: the one who waits is not
    /// lost.
    pub fn accept(&self) -> Result<Option<Channel>, AcceptError> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match retry_on_intr(|| rustix::net::accept_with(&self.0, flags)) {
            Ok(socket) => Ok(Some(Channel::prepared(socket)?)),
            Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for ChannelListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<ChannelListener> for OwnedFd {
    fn from(listener: ChannelListener) -> Self {
        listener.0
    }
}
