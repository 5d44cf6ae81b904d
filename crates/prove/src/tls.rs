//! TLS from the client's side. Owns whom the client trusts and the settings that follow from it;
//! refuses to resume sessions: each connection proves a whole handshake.

mod trusting;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use self::trusting::Trusting;

/// Where distributions keep what they trust: Debian, Fedora, openSUSE, Alpine.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How connections are encrypted, and whom the client trusts: nobody, until it is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Tls {
    server_name: String,
    trusted: Vec<Vec<u8>>,
    trusts_system: bool,
    is_insecure: bool,
}

impl Tls {
    /// For a server of this name, a DNS name or an IP address: it is what the certificate must be
    /// for, and a DNS name is sent along (SNI).
    #[must_use]
    pub fn new(server_name: impl Into<String>) -> Self {
        Self {
            server_name: server_name.into(),
            trusted: Vec::new(),
            trusts_system: false,
            is_insecure: false,
        }
    }

    /// Trusts the certificates in this PEM text, of authorities or of the server itself. One of the
    /// server itself may be marked as an authority's, and its time and names are looked at all the
    /// same; if it has no names, it is for any.
    #[must_use]
    pub fn trust(mut self, pem: &[u8]) -> Self {
        self.trusted.push(pem.to_vec());
        self
    }

    /// Trusts what the system trusts: the file that `SSL_CERT_FILE` names, or else the first that
    /// is there of the files in which distributions keep their certificates.
    #[must_use]
    pub fn trust_system(mut self) -> Self {
        self.trusts_system = true;
        self
    }

    /// Looks at no certificate: any server passes that has the key to what it shows.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.is_insecure = true;
        self
    }

    /// What a handshake needs. Reads the system's file if that is to be trusted.
    pub(crate) fn client(&self, alpn: Option<&[u8]>) -> Result<TlsClient, TlsError> {
        let name = ServerName::try_from(self.server_name.clone())
            .map_err(|_| TlsError::ServerName { name: self.server_name.clone() })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for the default versions");
        let mut config = if self.is_insecure {
            let verifier = Arc::new(Unverified { provider });
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        } else {
            let (roots, these) = self.roots()?;
            let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
            let usual = usual.build().expect("there are roots, and no revocations");
            let verifier = Arc::new(Trusting::new(usual, these));
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        };
        config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
        config.resumption = Resumption::disabled();
        Ok(TlsClient { config: Arc::new(config), name })
    }

    /// Whom to trust, and those of them that were given one by one.
    fn roots(&self) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
        let mut roots = RootCertStore::empty();
        let mut these = Vec::new();
        for pem in &self.trusted {
            for certificate in certificates(pem).ok_or(TlsError::Pem)? {
                these.push(certificate.clone());
                roots.add(certificate).map_err(|_| TlsError::Certificate)?;
            }
        }
        if self.trusts_system {
            let (path, pem) = system_bundle()?;
            let found = certificates(&pem).ok_or(TlsError::SystemPem { path })?;
            // Systems carry old certificates that no client of today can use: those are passed by.
            roots.add_parsable_certificates(found);
        }
        if roots.is_empty() { Err(TlsError::NobodyTrusted) } else { Ok((roots, these)) }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("server_name", &self.server_name)
            .field("trusts_system", &self.trusts_system)
            .field("is_insecure", &self.is_insecure)
            .finish_non_exhaustive()
    }
}

/// All certificates of a PEM text; `None` if it is broken or has none.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty())
}

fn system_bundle() -> Result<(PathBuf, Vec<u8>), TlsError> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual = SYSTEM_BUNDLES.iter().map(PathBuf::from);
    let candidates: Vec<_> = match named {
        Some(path) => vec![path],
        None => usual.collect(),
    };
    let read = |path: &Path| std::fs::read(path).ok().map(|pem| (path.to_owned(), pem));
    let found = candidates.iter().find_map(|path| read(path));
    found.ok_or(TlsError::NoSystemFile { looked_at: candidates })
}

/// What each handshake of a group of connections needs.
#[derive(Debug, Clone)]
pub(crate) struct TlsClient {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// Takes any certificate, and still wants the server to have its key: what is not authenticated is
/// sound TLS all the same.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The name of the server is no name.
    #[error("set up TLS for the server `{name}`: that must be a DNS name or an IP address")]
    ServerName {
        /// What was given.
        name: String,
    },
    /// Nobody is trusted, so that every handshake would fail.
    #[error(
        "set up TLS: no certificate is trusted; trust the server's authority, or the system's, \
         or none at all (insecure)"
    )]
    NobodyTrusted,
    /// What is to be trusted is no PEM text of certificates.
    #[error("set up TLS: what is to be trusted has no sound PEM block `BEGIN CERTIFICATE`")]
    Pem,
    /// A certificate to be trusted cannot be read.
    #[error("set up TLS: a certificate that is to be trusted is no X.509 certificate")]
    Certificate,
    /// The system has no file of certificates.
    #[error(
        "set up TLS: found no certificates of the system in {looked_at:?}; install \
         `ca-certificates`, or name the file in SSL_CERT_FILE"
    )]
    NoSystemFile {
        /// The files that are not there or cannot be read.
        looked_at: Vec<PathBuf>,
    },
    /// The system's file has no certificates.
    #[error(
        "set up TLS: `{path}` has no sound PEM block `BEGIN CERTIFICATE`",
        path = path.display()
    )]
    SystemPem {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    fn refusal(tls: &Tls) -> TlsError {
        tls.client(None).unwrap_err()
    }

    #[test]
    fn nobody_is_trusted_until_it_is_told() {
        assert_eq!(refusal(&Tls::new("localhost")), TlsError::NobodyTrusted);
        assert!(Tls::new("localhost").trust(pem().as_bytes()).client(None).is_ok());
        assert!(Tls::new("127.0.0.1").insecure().client(None).is_ok());
    }

    #[test]
    fn what_cannot_be_trusted_is_told() {
        assert_eq!(refusal(&Tls::new("localhost").trust(b"no pem")), TlsError::Pem);
        let empty = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(refusal(&Tls::new("localhost").trust(empty)), TlsError::Certificate);
        let name = "not a name".to_owned();
        assert_eq!(refusal(&Tls::new(name.clone()).insecure()), TlsError::ServerName { name });
    }

    #[test]
    fn each_group_offers_what_it_speaks_and_resumes_nothing() {
        let client = Tls::new("localhost").insecure().client(Some(b"http/1.1")).unwrap();
        assert_eq!(client.config.alpn_protocols, [b"http/1.1"]);
        let client = Tls::new("localhost").insecure().client(None).unwrap();
        assert!(client.config.alpn_protocols.is_empty());
    }
}
