//! Certificates of servers under test. Owns their files; refuses to check them: clients do.

use std::fs;
use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;

/// The name that the certificates are for.
pub(crate) const SERVER_NAME: &str = "localhost";

/// A certificate that was made for one test, with its key.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    chain: String,
    key: String,
}

impl Certificate {
    /// The file with the chain.
    pub const CHAIN_FILE: &'static str = "chain.pem";

    /// The file with the private key.
    pub const KEY_FILE: &'static str = "key.pem";

    /// A new one, signed by itself.
    #[must_use]
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([SERVER_NAME.to_owned()]).unwrap();
        Self { der: cert.der().clone(), chain: cert.pem(), key: signing_key.serialize_pem() }
    }

    /// Writes it and its key where the server looks for them.
    pub fn install(&self, directory: &Path) {
        fs::write(directory.join(Self::CHAIN_FILE), &self.chain).unwrap();
        fs::write(directory.join(Self::KEY_FILE), &self.key).unwrap();
    }

    /// The certificate itself.
    #[must_use]
    pub const fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
