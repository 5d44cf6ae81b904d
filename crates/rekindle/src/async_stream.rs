//! Reading and writing a [`Connection`] in a task.
//!
//! The streams are read and written through shared references, as tokio allows: the connection
//! can be cut from another thread at any time, so nobody has it to himself.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rekindle_unix::SocketKind;
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::connection::Connection;

/// A kind of stream that a listener accepts. Not to be implemented elsewhere.
pub trait Stream: AsFd + Sized + Send + 'static + sealed::Sealed {
    #[doc(hidden)]
    const KIND: SocketKind;
    #[doc(hidden)]
    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self>;
    /// The runtime does not watch it any more.
    #[doc(hidden)]
    fn into_descriptor(self) -> io::Result<OwnedFd>;
}

/// A stream that is read and written in a task. Not to be implemented elsewhere.
pub trait AsyncStream: Stream + AsyncRead + AsyncWrite + Unpin {
    #[doc(hidden)]
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    #[doc(hidden)]
    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    #[doc(hidden)]
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize>;
    #[doc(hidden)]
    fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for tokio::net::TcpStream {}
    impl Sealed for tokio::net::UnixStream {}
    impl Sealed for std::os::fd::OwnedFd {}
}

impl Stream for TcpStream {
    const KIND: SocketKind = SocketKind::Tcp;

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        Self::from_std(descriptor.into())
    }

    fn into_descriptor(self) -> io::Result<OwnedFd> {
        self.into_std().map(OwnedFd::from)
    }
}

impl Stream for UnixStream {
    const KIND: SocketKind = SocketKind::UnixStream;

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        Self::from_std(descriptor.into())
    }

    fn into_descriptor(self) -> io::Result<OwnedFd> {
        self.into_std().map(OwnedFd::from)
    }
}

impl Stream for OwnedFd {
    const KIND: SocketKind = SocketKind::UnixSeqpacket;

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(descriptor)
    }

    fn into_descriptor(self) -> io::Result<OwnedFd> {
        Ok(self)
    }
}

macro_rules! async_stream {
    ($stream:ty) => {
        impl AsyncStream for $stream {
            fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_read_ready(context)
            }

            fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_write_ready(context)
            }

            fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.try_read(buffer)
            }

            fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                self.try_write_vectored(slices)
            }
        }
    };
}

async_stream!(TcpStream);
async_stream!(UnixStream);

impl<S: AsyncStream> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_readable(context))?;
            match self.read_now(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S: AsyncStream> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_writable(context))?;
            match self.write_now(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(self.as_fd(), Shutdown::Write).map_err(io::Error::from))
    }
}

/// The address of a client that has none: it went away before it could be asked.
#[cfg(feature = "axum")]
pub(crate) const NO_PEER: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
