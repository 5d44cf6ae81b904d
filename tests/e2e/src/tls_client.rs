//! Strict clients over TLS. Owns the handshake and what there is to know of it; what is said over
//! the connection is [`HttpClient`]'s.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion, crypto,
};

use crate::certificate::{Certificate, SERVER_NAME};
use crate::http::HttpClient;
use crate::patience::PATIENCE;

/// How many sessions clients remember.
const SESSIONS: usize = 64;

/// A connection over TLS. Its end is an error unless the server has announced it (`close_notify`).
pub type TlsConnection = StreamOwned<ClientConnection, TcpStream>;

/// What clients over TLS share: whom they trust, and the sessions that they remember.
#[derive(Debug, Clone)]
pub struct TlsClients {
    config: Arc<ClientConfig>,
}

impl TlsClients {
    /// Clients that speak this version with HTTP/1.1, and trust servers with these certificates.
    #[must_use]
    pub fn new(version: &'static SupportedProtocolVersion, trusted: &[&Certificate]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            roots.add(certificate.der().clone()).unwrap();
        }
        let provider = Arc::new(crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Self { config: Arc::new(config) }
    }

    /// Connects. The handshake is made with the first bytes that are written.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(&self, address: SocketAddr) -> io::Result<HttpClient<TlsConnection>> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
        let session =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        Ok(HttpClient::over(StreamOwned::new(session, stream)))
    }
}

impl HttpClient<TlsConnection> {
    /// Makes the handshake, and says which kind it was.
    ///
    /// # Errors
    ///
    /// What the system or TLS says.
    pub fn handshake(&mut self) -> io::Result<HandshakeKind> {
        let StreamOwned { conn, sock } = self.stream_mut();
        while conn.is_handshaking() {
            conn.complete_io(sock)?;
        }
        conn.handshake_kind().ok_or_else(|| io::Error::other("a handshake of no kind"))
    }

    /// Whether the server showed this certificate, when the session was begun.
    #[must_use]
    pub fn was_shown(&mut self, certificate: &Certificate) -> bool {
        let shown = self.stream_mut().conn.peer_certificates();
        shown.and_then(<[_]>::first).is_some_and(|shown| shown == certificate.der())
    }
}
