//! The handshakes of one listener: from a stream to TLS on it, and what is to be spoken over it.
//! Refuses to take longer than it may.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// HTTP/2 and HTTP/1.1 as ALPN names them (RFC 7301).
pub(crate) const HTTP_2: &[u8] = b"h2";
pub(crate) const HTTP_11: &[u8] = b"http/1.1";

/// What a handshake agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreed {
    /// Nothing was said: the client's first bytes will tell.
    Nothing,
    Http1,
    Http2,
    /// A protocol that the program's own configuration names, and that is not HTTP: all that was
    /// wanted is the handshake, such as `acme-tls/1` does.
    Other,
}

/// What makes handshakes.
pub(crate) struct Handshakes {
    acceptor: TlsAcceptor,
    /// How long one may take, the wait for its first byte included.
    limit: Option<Duration>,
}

impl Handshakes {
    pub(crate) fn new(config: Arc<ServerConfig>, limit: Option<Duration>) -> Self {
        Self { acceptor: TlsAcceptor::from(config), limit }
    }

    /// Makes one, with a client that is connected since then.
    ///
    /// # Errors
    ///
    /// If the client does not speak TLS, does not agree, takes too long, or goes away: the stream
    /// is closed.
    pub(crate) async fn shake<IO>(
        &self,
        stream: IO,
        since: Instant,
    ) -> io::Result<(TlsStream<IO>, Agreed)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let accept = self.acceptor.accept(stream);
        let stream = match self.limit {
            Some(limit) => tokio::time::timeout_at(since + limit, accept).await??,
            None => accept.await?,
        };
        let agreed = match stream.get_ref().1.alpn_protocol() {
            None => Agreed::Nothing,
            Some(name) if name == HTTP_11 => Agreed::Http1,
            Some(name) if name == HTTP_2 => Agreed::Http2,
            Some(_) => Agreed::Other,
        };
        Ok((stream, agreed))
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handshakes").field("limit", &self.limit).finish_non_exhaustive()
    }
}
