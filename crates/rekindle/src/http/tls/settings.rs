//! What a program says of TLS: [`Tls`].

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::sign::SingleCertAndKey;

use crate::http::tls::certificate::{self, TlsError};
use crate::http::tls::realm::Realm;
use crate::http::tls::tickets::Tickets;

/// TLS for a listener: TLS 1.2 and 1.3 by rustls.
///
/// Sessions resume over upgrades, in whichever process the client comes to: the keys of the
/// session tickets are handed to the next version, and replaced every six hours.
#[derive(Debug, Clone)]
#[must_use = "it does nothing before a listener is served with it"]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// Whose tickets resume here; none: the configuration keeps its own.
    realm: Option<Realm>,
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
        Ok(Self { config: Arc::new(config), realm })
    }

    /// A server with a configuration of your own: several certificates, client certificates,
    /// another provider.
    ///
    /// Its `alpn_protocols` are set if they are empty; a connection that agrees on a protocol
    /// other than `h2` and `http/1.1` is closed after the handshake. Its tickets are left as they
    /// are, see [`Tls::share_tickets`].
    pub const fn from_config(config: Arc<ServerConfig>) -> Self {
        Self { config, realm: None }
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

    /// The configuration of a listener that speaks these protocols, the preferred one first.
    pub(crate) fn config(&self, tickets: &Tickets, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.config);
        if config.alpn_protocols.is_empty() {
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        }
        if let Some(realm) = self.realm {
            config.ticketer = tickets.producer(realm);
        }
        Arc::new(config)
    }
}
