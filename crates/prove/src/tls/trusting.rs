//! Whether a server shows a certificate that is trusted. Owns what holds for a certificate that is
//! trusted itself; refuses to weigh any other: rustls does.
//!
//! A certificate of one's own, as `openssl req -x509` makes it, is mostly marked as one of an
//! authority, which rustls takes from no server, and often has its name in its subject alone, where
//! rustls looks for none. Who trusts this very certificate has named the server by it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Trusts what the usual verifier does, and these certificates where a server shows them.
#[derive(Debug)]
pub(super) struct Trusting {
    usual: Arc<WebPkiServerVerifier>,
    these: Vec<CertificateDer<'static>>,
}

impl Trusting {
    pub(super) fn new(
        usual: Arc<WebPkiServerVerifier>,
        these: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self { usual, these }
    }
}

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if !self.these.contains(end_entity) {
            return verified;
        }
        let verified = match verified {
            // Its time has been looked at before its use; its name has not.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
                    .map(|()| ServerCertVerified::assertion())
            }
            verified => verified,
        };
        match verified {
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) if presented.is_empty() => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
