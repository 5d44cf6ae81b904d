//! `Channel`: one end of the connection between old and new, on which frames travel whole and
//! with their descriptors. It refuses to know what a frame says, and to wait.

mod error;
mod frame;
mod listener;

pub use error::{AcceptError, ChannelError, ConnectError, ReceiveError, SendError};
pub use frame::{DESCRIPTOR_LIMIT, FRAME_LIMIT_BYTES, FrameBuffer, Received};
pub use listener::ChannelListener;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, FdFlags, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

use crate::inspect::look;
use crate::{PeerCredentials, SocketKind};
use frame::CONTROL_BYTES;

/// What a channel asks to be able to hold unread, in bytes. The kernel counts its own overhead
/// against it, and caps it at `net.core.wmem_max`; its usual cap still holds several full frames.
const SEND_BUFFER_BYTES: usize = 8 * FRAME_LIMIT_BYTES;

/// One end of a connected Unix socket of type `SOCK_SEQPACKET` (see `unix(7)`).
///
/// Each frame is one packet: the kernel keeps the boundaries, descriptors stay with the frame
/// that they were sent with, and an end can be handed to another process without any half-read
/// frame left behind. The socket is close-on-exec and non-blocking.
///
/// Dropping the last descriptor of an end is the sign of life ending: the other end then receives
/// [`Received::EndOfFile`].
#[derive(Debug)]
pub struct Channel(OwnedFd);

impl Channel {
    /// Makes a connected pair.
    ///
    /// # Errors
    ///
    /// As `socketpair(2)`.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self::prepared(one)?, Self::prepared(other)?))
    }

    /// Connects to the [`ChannelListener`] at a path.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says who or what is not there. A full queue is [`ConnectError::Busy`]:
    /// try again.
    pub fn connect(path: &Path) -> Result<Self, ConnectError> {
        let failed = |errno| ConnectError::from_errno(path, errno);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let address = SocketAddrUnix::new(path).map_err(failed)?;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
                .map_err(failed)?;
        rustix::net::connect(&socket, &address).map_err(failed)?;
        Self::prepared(socket).map_err(failed)
    }

    /// Takes a descriptor that was inherited or received, if it is an end of a channel, and sets
    /// it close-on-exec and non-blocking. Otherwise it is closed.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] says what it is instead.
    pub fn from_owned(descriptor: OwnedFd) -> Result<Self, ChannelError> {
        let found = look(descriptor.as_fd()).map_err(|source| ChannelError::Other { source })?;
        if found.kind != SocketKind::UnixSeqpacket {
            return Err(ChannelError::Kind { found: found.kind });
        }
        match rustix::net::getpeername(&descriptor) {
            Ok(_) => {}
            Err(Errno::NOTCONN | Errno::INVAL) => return Err(ChannelError::NotConnected),
            Err(errno) => return Err(errno.into()),
        }
        rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self::prepared(descriptor)?)
    }

    /// Sets the options that every end has.
    fn prepared(descriptor: OwnedFd) -> Result<Self, Errno> {
        sockopt::set_socket_send_buffer_size(&descriptor, SEND_BUFFER_BYTES)?;
        // A listener that a service manager made may pass this on to its connections: credentials
        // would then take the room in which descriptors are received.
        sockopt::set_socket_passcred(&descriptor, false)?;
        Ok(Self(descriptor))
    }

    /// Sends one frame with its descriptors: whole, or not at all. The other end receives
    /// duplicates; the caller's descriptors stay open.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if there is no room now. [`SendError::Other`] may pass, as a lack
    /// of memory does (`ENOBUFS`, `ENOMEM`); all others are final.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        if bytes.is_empty() {
            return Err(SendError::Empty);
        }
        if bytes.len() > FRAME_LIMIT_BYTES {
            return Err(SendError::TooLarge { length_bytes: bytes.len() });
        }
        let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fits = descriptors.len() <= DESCRIPTOR_LIMIT
            && (descriptors.is_empty()
                || control.push(SendAncillaryMessage::ScmRights(descriptors)));
        if !fits {
            return Err(SendError::TooManyDescriptors { count: descriptors.len() });
        }
        // Whatever state the socket is in: the other processes that share this end can make it
        // blocking, and must not thereby hang this one. The kernel sends no `SIGPIPE` for this
        // type of socket so far, but `send(2)` does not promise that.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        retry_on_intr(|| {
            rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags)
        })
        .map_err(SendError::from)?;
        Ok(())
    }

    /// Receives one frame, if there is one, with its descriptors, which are close-on-exec.
    ///
    /// An empty packet, which [`send`](Self::send) never sends, is read as the end of the file:
    /// it could otherwise not be told from it, and a peer could keep its reader busy for nothing.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]: the frame is lost and its descriptors are closed, so that the channel
    /// should be dropped.
    pub fn receive<'buffer>(
        &self,
        buffer: &'buffer mut FrameBuffer,
    ) -> Result<Received<'buffer>, ReceiveError> {
        let message = match self.receive_once(buffer) {
            // The other end was closed before it had read everything. The kernel says so once,
            // ahead of the frames that the other end had sent: those are still to be read.
            Err(ReceiveFault::System(Errno::CONNRESET)) => self.receive_once(buffer),
            first => first,
        };
        match message {
            Ok((0, _no_frame)) => Ok(Received::EndOfFile),
            Ok((length_bytes, descriptors)) => {
                Ok(Received::Frame { bytes: buffer.filled(length_bytes), descriptors })
            }
            Err(ReceiveFault::System(Errno::AGAIN)) => Ok(Received::WouldBlock),
            Err(ReceiveFault::System(Errno::CONNRESET)) => Ok(Received::EndOfFile),
            Err(ReceiveFault::System(errno)) => Err(ReceiveError::Other { source: errno.into() }),
            Err(ReceiveFault::Frame(error)) => Err(error),
        }
    }

    fn receive_once(
        &self,
        buffer: &mut FrameBuffer,
    ) -> Result<(usize, Vec<OwnedFd>), ReceiveFault> {
        let (bytes, space) = buffer.parts();
        let mut control = RecvAncillaryBuffer::new(space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let message = retry_on_intr(|| {
            rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], &mut control, flags)
        })
        .map_err(ReceiveFault::System)?;
        let descriptors = frame::descriptors(&mut control);
        frame::check_whole(message.flags, descriptors.len()).map_err(ReceiveFault::Frame)?;
        Ok((message.bytes, descriptors))
    }

    /// Who is at the other end.
    ///
    /// # Errors
    ///
    /// As [`PeerCredentials::of`].
    pub fn peer(&self) -> io::Result<PeerCredentials> {
        PeerCredentials::of(&self.0)
    }
}

/// What went wrong in one try to receive: in the call, or with the frame.
enum ReceiveFault {
    System(Errno),
    Frame(ReceiveError),
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}
