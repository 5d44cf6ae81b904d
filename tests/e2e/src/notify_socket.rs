//! A service manager's side of sd_notify(3). Owns the socket; refuses to act on what it hears.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::{Timeout, set_socket_passcred, set_socket_timeout};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::patience::PATIENCE;

/// The socket that `NOTIFY_SOCKET` names.
#[derive(Debug)]
pub struct NotifySocket {
    path: PathBuf,
    socket: UnixDatagram,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who sent it, on the kernel's word.
    pub pid: u32,
    /// Its assignments, such as `READY=1`.
    pub assignments: Vec<String>,
}

impl Notice {
    /// The value that is assigned to `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let value = |text: &'_ str| text.strip_prefix(name)?.strip_prefix('=').map(str::len);
        let found = self.assignments.iter().find(|text| value(text).is_some())?;
        Some(&found[name.len() + 1..])
    }
}

impl NotifySocket {
    /// A socket in this directory.
    #[must_use]
    pub fn bind(directory: &Path) -> Self {
        let path = directory.join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        set_socket_passcred(&socket, true).unwrap();
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE)).unwrap();
        Self { path, socket }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next message. Descriptors that come along, as with a barrier, are closed: everything
    /// before has been read.
    #[must_use]
    pub fn next(&self) -> Notice {
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); 256];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let message =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap();
        let pid = control.drain().find_map(|part| match part {
            RecvAncillaryMessage::ScmCredentials(credentials) => Some(credentials.pid),
            _ => None,
        });
        let text = String::from_utf8_lossy(&bytes[..message.bytes]).into_owned();
        Notice {
            pid: pid.unwrap().as_raw_nonzero().get().unsigned_abs(),
            assignments: text.lines().map(str::to_owned).collect(),
        }
    }

    /// The next message that assigns something to `name`.
    #[must_use]
    pub fn next_with(&self, name: &str) -> Notice {
        loop {
            let notice = self.next();
            if notice.value(name).is_some() {
                return notice;
            }
        }
    }
}
