//! TLS as what HTTP is spoken on: it reads and writes like any stream, and cannot move.

use std::io;
use std::os::fd::OwnedFd;

use tokio_rustls::server::TlsStream;

use crate::async_stream::AsyncStream;
use crate::http::transport::Transport;

/// A listener with TLS asks for no moves, so the first two are never called.
impl<S: AsyncStream> Transport for TlsStream<S> {
    fn into_descriptor(self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn from_descriptor(_descriptor: OwnedFd) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// It need not be a request: then it is read and the connection is looked at again.
    fn has_arrived(&self) -> bool {
        self.get_ref().0.has_arrived()
    }
}
