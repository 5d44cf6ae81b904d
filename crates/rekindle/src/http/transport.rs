//! What HTTP is spoken on: a stream, and whether the connection can go to another process.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::Poll;

use rustix::io::ioctl_fionread;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::async_stream::AsyncStream;

/// A stream that HTTP is served on.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + Sized + 'static {
    /// The connection's only descriptor, for another process.
    ///
    /// # Errors
    ///
    /// If there is none that could go: then the connection is lost. What cannot move at all does
    /// not come here, since its listener asks for no moves.
    fn into_descriptor(self) -> io::Result<OwnedFd>;

    /// The stream of a connection that was given back.
    ///
    /// # Errors
    ///
    /// If the runtime cannot watch it.
    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self>;

    /// Whether the client has sent something that was not read yet. The runtime need not know: it
    /// hears of it a moment later.
    fn has_arrived(&self) -> bool;
}

/// Tells the client that this is the end, if that can be done without waiting.
pub(crate) async fn say_farewell<IO: AsyncWrite + Unpin>(stream: &mut IO) {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *stream).poll_shutdown(context).is_ready())).await;
}

impl<S: AsyncStream> Transport for S {
    fn into_descriptor(self) -> io::Result<OwnedFd> {
        S::into_descriptor(self)
    }

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        S::from_descriptor(descriptor)
    }

    fn has_arrived(&self) -> bool {
        ioctl_fionread(self.as_fd()).is_ok_and(|length| length > 0)
    }
}
