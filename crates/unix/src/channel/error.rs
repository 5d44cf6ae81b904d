//! What can go wrong with a channel, one enum an operation. It refuses to hide which of two causes
//! it was where the kernel has one number for both.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{DESCRIPTOR_LIMIT, FRAME_LIMIT_BYTES};
use crate::SocketKind;

/// Why a descriptor is no [`Channel`](super::Channel) or
/// [`ChannelListener`](super::ChannelListener). It is closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Another sort of socket, or none.
    #[error("adopt a channel: expected a socket of kind `unix-seqpacket`, found `{found}`")]
    Kind {
        /// What it is.
        found: SocketKind,
    },
    /// The right sort of socket for a channel, but a listener or not connected.
    #[error("adopt a channel: the `unix-seqpacket` socket is not connected")]
    NotConnected,
    /// The right sort of socket for a rendezvous, but it does not listen.
    #[error("adopt a rendezvous: the `unix-seqpacket` socket does not listen")]
    NotListening,
    /// The system refuses for a reason of its own.
    #[error("adopt a channel")]
    Other {
        /// What the system says.
        source: io::Error,
    },
}

impl From<Errno> for ChannelError {
    fn from(errno: Errno) -> Self {
        Self::Other { source: errno.into() }
    }
}

/// Why no channel could be made to a path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nothing is there: no process has bound the path yet, or its last owner removed it.
    #[error("connect to `{}`: nothing is there", .path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A socket is there that no process listens on.
    #[error("connect to `{}`: the process that made it is gone", .path.display())]
    Refused {
        /// The path.
        path: PathBuf,
    },
    /// The listener's queue is full.
    #[error("connect to `{}`: too many are waiting there; try again", .path.display())]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// This user may not.
    #[error("connect to `{}`: this user may not", .path.display())]
    PermissionDenied {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A socket of another type is there.
    #[error(
        "connect to `{}`: it is a socket of another kind than `unix-seqpacket`",
        .path.display()
    )]
    Kind {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses for a reason of its own.
    #[error("connect to `{}`", .path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ConnectError {
    pub(super) fn from_errno(path: &Path, errno: Errno) -> Self {
        let path = path.to_path_buf();
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::NotFound { path },
            Errno::CONNREFUSED => Self::Refused { path },
            Errno::AGAIN => Self::Busy { path },
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied { path, source: errno.into() },
            Errno::PROTOTYPE => Self::Kind { path },
            _ => Self::Other { path, source: errno.into() },
        }
    }
}

/// Why a frame was not sent. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no room now; send the same frame again later.
    ///
    /// That is so if the other end has not read enough (`EAGAIN`), and also if this user has more
    /// descriptors under way in Unix sockets than one process may have open (`ETOOMANYREFS`, see
    /// `unix(7)`): it passes when any of them is received. In the second case the socket counts
    /// as writable all the same, so after a try that failed on a writable socket, pause before
    /// the next rather than wait for writability alone.
    #[error("send a frame: there is no room now; it is sent later")]
    WouldBlock,
    /// The other end is closed: its process is gone, or gave the channel up.
    #[error("send a frame: the other end is closed")]
    Closed,
    /// A frame without bytes could not be told from the end of the file.
    #[error("send a frame: it is empty")]
    Empty,
    /// The frame is longer than [`FRAME_LIMIT_BYTES`].
    #[error("send a frame: its {length_bytes} bytes are over the limit of {FRAME_LIMIT_BYTES}")]
    TooLarge {
        /// Its length in bytes.
        length_bytes: usize,
    },
    /// More descriptors than [`DESCRIPTOR_LIMIT`].
    #[error("send a frame: its {count} descriptors are over the limit of {DESCRIPTOR_LIMIT}")]
    TooManyDescriptors {
        /// How many.
        count: usize,
    },
    /// The system refuses for a reason of its own.
    #[error("send a frame")]
    Other {
        /// What the system says.
        source: io::Error,
    },
}

impl From<Errno> for SendError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::AGAIN | Errno::TOOMANYREFS => Self::WouldBlock,
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::Closed,
            _ => Self::Other { source: errno.into() },
        }
    }
}

/// Why a frame was not received. It is lost, and what came of its descriptors is closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The frame is longer than [`FRAME_LIMIT_BYTES`].
    #[error("receive a frame: it has more than {FRAME_LIMIT_BYTES} bytes")]
    TooLarge,
    /// More descriptors came with it than [`DESCRIPTOR_LIMIT`].
    #[error("receive a frame: more than {DESCRIPTOR_LIMIT} descriptors came with it")]
    TooManyDescriptors,
    /// This process may not have so many descriptors open.
    #[error(
        "receive a frame: descriptor limit reached after {received} of its descriptors; raise it \
         (`ulimit -n`)"
    )]
    DescriptorLimit {
        /// How many could be received.
        received: usize,
    },
    /// The system refuses for a reason of its own.
    #[error("receive a frame")]
    Other {
        /// What the system says.
        source: io::Error,
    },
}

/// Why no channel was accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The process or the machine has no descriptor left. The peer goes on waiting in the queue.
    #[error("accept a channel: descriptor limit reached; raise it (`ulimit -n`)")]
    DescriptorLimit {
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses for a reason of its own.
    #[error("accept a channel")]
    Other {
        /// What the system says.
        source: io::Error,
    },
}

impl From<Errno> for AcceptError {
    fn from(errno: Errno) -> Self {
        let source = errno.into();
        match errno {
            Errno::MFILE | Errno::NFILE => Self::DescriptorLimit { source },
            _ => Self::Other { source },
        }
    }
}
