//! What a program says of TLS: [`Tls`].

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::sign::SingleCertAndKey;

use crate::http::tls::certificate::{self, TlsError};
use crate::http::tls::handshake::{HTTP_2, HTTP_11};
use crate::http::tls::realm::Realm;
use crate::http::tls::tickets::Tickets;

/// TLS for a listener: TLS 1.2 and 1.3 by rustls.
///
/// A connection over TLS does not move at an upgrade. Its next answer says `Connection: close`
/// (HTTP/2: GOAWAY), and one that stays idle until the drain deadline is closed then, with
/// `close_notify`. The client comes again and resumes its session, in whichever process it comes
/// to: the keys of the session tickets are handed to the next version, and replaced every six
/// hours.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use rekindle::Service;
/// use rekindle::http::{HttpOptions, Tls};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut service = Service::builder().start()?;
///     let listener = service.tcp("https", "0.0.0.0:8443")?;
///     let tls = match Tls::from_files("chain.pem", "key.pem") {
///         Ok(tls) => tls,
///         Err(error) => {
///             service.fail(&error); // the old process serves on, and tells its operator why
///             return Err(error.into());
///         }
///     };
///     let app = Router::new().route("/", get(|| async { "hello\n" }));
///     service.serve_with(listener, app, HttpOptions::new().tls(tls));
///     service.ready().await?.drained().await;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing before a listener is served with it"]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// Whose tickets resume here; none: the configuration keeps its own.
    realm: Option<Realm>,
    tickets: Tickets,
}

impl Tls {
    /// A server with this certificate, that asks for none of its clients.
    ///
    /// `certificates` is a PEM file with the chain, the server's own certificate first; `key` is
    /// a PEM file with its private key (PKCS#8, PKCS#1 or SEC1, without a password). Both are
    /// read now: after a change, an upgrade brings the new ones. If they are not good, the next
    /// version should give up ([`Service::fail`](crate::Service::fail), or just the error from
    /// `main`), and the old one serves on.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names the file.
    pub fn from_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let certified = certificate::read(certificates.as_ref(), key.as_ref(), &provider)?;
        let realm = certified.cert.first().map(|own| Realm::of_certificate(own));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .expect("the provider has suites for all versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Ok(Self { config: Arc::new(config), realm, tickets: Tickets::default() })
    }

    /// A server with a configuration of your own: several certificates, client certificates,
    /// another provider.
    ///
    /// Its `alpn_protocols` are set if they are empty; a connection that agrees on a protocol
    /// other than `h2` and `http/1.1` is closed after the handshake. Its tickets are left as they
    /// are, see [`Tls::share_tickets`].
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self { config, realm: None, tickets: Tickets::default() }
    }

    /// Lets sessions resume over upgrades, and at all listeners with the same `policy`.
    ///
    /// A resumption skips the certificates of both sides. So `policy` names what the configuration
    /// demands of its clients and who the server is: give it another name when that changes, or
    /// clients resume sessions that they would not be granted now.
    pub fn share_tickets(mut self, policy: &str) -> Self {
        self.realm = Some(Realm::of_policy(policy));
        self
    }

    /// Tickets of others than itself.
    pub(crate) fn set_tickets(&mut self, tickets: Tickets) {
        self.tickets = tickets;
    }

    /// The configuration of a listener that speaks these protocols.
    pub(crate) fn config(&self, http1: bool, http2: bool) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.config);
        if config.alpn_protocols.is_empty() {
            // The preferred one first.
            let protocols = [http2.then_some(HTTP_2), http1.then_some(HTTP_11)];
            config.alpn_protocols = protocols.into_iter().flatten().map(Vec::from).collect();
        }
        if let Some(realm) = self.realm {
            config.ticketer = self.tickets.producer(realm);
        }
        Arc::new(config)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::client::Resumption;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{
        ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection,
        SupportedProtocolVersion, version,
    };

    use super::*;

    /// A server of a new certificate.
    fn server() -> (Tls, CertificateDer<'static>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (chain, key) = (directory.path().join("chain"), directory.path().join("key"));
        fs::write(&chain, cert.pem()).unwrap();
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        (Tls::from_files(chain, key).unwrap(), cert.der().clone())
    }

    /// A client that trusts these.
    fn client<const N: usize>(
        version: &'static SupportedProtocolVersion,
        trusted: [&CertificateDer<'static>; N],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.into_iter().cloned());
        let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.resumption = Resumption::in_memory_sessions(8);
        client
    }

    fn pair(version: &'static SupportedProtocolVersion) -> (Tls, ClientConfig) {
        let (tls, certificate) = server();
        (tls, client(version, [&certificate]))
    }

    /// A whole handshake, and the tickets after it.
    fn shake(client: &ClientConfig, server: Arc<ServerConfig>) -> (HandshakeKind, Option<Vec<u8>>) {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(client.clone()), name).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        while client.wants_write() || server.wants_write() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets().unwrap();
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets().unwrap();
        }
        let kind = server.handshake_kind().unwrap();
        assert_eq!(client.handshake_kind(), Some(kind));
        (kind, server.alpn_protocol().map(<[u8]>::to_vec))
    }

    /// The same server in a process with these tickets.
    fn config(tls: &Tls, tickets: &Tickets) -> Arc<ServerConfig> {
        let mut tls = tls.clone();
        tls.set_tickets(tickets.clone());
        tls.config(true, true)
    }

    #[test]
    fn a_session_of_one_process_resumes_in_the_next() {
        for version in [&version::TLS12, &version::TLS13] {
            let (tls, client) = pair(version);
            let tickets = Tickets::default();
            let old = config(&tls, &tickets);
            assert_eq!(shake(&client, Arc::clone(&old)).0, HandshakeKind::Full);
            assert_eq!(shake(&client, old).0, HandshakeKind::Resumed);
            let next = config(&tls, &Tickets::adopt(Some(&tickets.state())));
            assert_eq!(shake(&client, next).0, HandshakeKind::Resumed, "{version:?}");
            let stranger = config(&tls, &Tickets::default());
            assert_eq!(shake(&client, stranger).0, HandshakeKind::Full, "{version:?}");
        }
    }

    #[test]
    fn a_session_does_not_resume_where_the_server_is_another() {
        let tickets = Tickets::default();
        let ((one, one_is), (other, other_is)) = (server(), server());
        let client = client(&version::TLS13, [&one_is, &other_is]);
        shake(&client, config(&one, &tickets));
        assert_eq!(shake(&client, config(&other, &tickets)).0, HandshakeKind::Full);
    }

    #[test]
    fn a_configuration_of_the_programs_own_shares_tickets_only_if_asked() {
        let tickets = Tickets::default();
        let (tls, client) = pair(&version::TLS13);
        let own = Tls::from_config(Arc::clone(&tls.config));
        let shared = own.clone().share_tickets("public");
        shake(&client, config(&shared, &tickets));
        let next = Tickets::adopt(Some(&tickets.state()));
        assert_eq!(shake(&client, config(&shared, &next)).0, HandshakeKind::Resumed);
        let stricter = own.clone().share_tickets("members");
        assert_eq!(shake(&client, config(&stricter, &next)).0, HandshakeKind::Full);
        shake(&client, config(&own, &tickets));
        assert_eq!(shake(&client, config(&shared, &tickets)).0, HandshakeKind::Full);
    }

    #[test]
    fn protocols_are_offered_unless_the_program_has_its_own() {
        let (tls, mut client) = pair(&version::TLS13);
        assert_eq!(shake(&client, tls.config(true, true)).1, None);
        client.alpn_protocols = vec![HTTP_11.to_vec(), HTTP_2.to_vec()];
        assert_eq!(shake(&client, tls.config(true, true)).1.as_deref(), Some(HTTP_2));
        assert_eq!(shake(&client, tls.config(true, false)).1.as_deref(), Some(HTTP_11));
        let mut own = ServerConfig::clone(&tls.config);
        own.alpn_protocols = vec![HTTP_11.to_vec()];
        let own = Tls::from_config(Arc::new(own));
        assert_eq!(shake(&client, own.config(true, true)).1.as_deref(), Some(HTTP_11));
    }
}
