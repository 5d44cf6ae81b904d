//! Certificates and keys from files: the good ones, and which words the others get.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rekindle::http::{Tls, TlsError};

/// A directory with files of a certificate and its key.
struct Files {
    directory: tempfile::TempDir,
    key: KeyPair,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = Self { directory, key: signing_key };
        files.write("chain.pem", &cert.pem());
        files.write("key.pem", &files.key.serialize_pem());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn load(&self, chain: &str, key: &str) -> Result<Tls, TlsError> {
        Tls::from_files(self.path(chain), self.path(key))
    }

    fn refusal(&self, chain: &str, key: &str) -> TlsError {
        self.load(chain, key).unwrap_err()
    }
}

#[test]
fn a_chain_and_its_key_are_taken_from_one_file_or_two() {
    let files = Files::new();
    assert!(files.load("chain.pem", "key.pem").is_ok());
    let both = ["key.pem", "chain.pem"].map(|name| fs::read_to_string(files.path(name)).unwrap());
    files.write("both.pem", &both.concat());
    assert!(files.load("both.pem", "both.pem").is_ok());
}

#[test]
fn a_file_that_is_not_there_or_too_long_is_named() {
    let files = Files::new();
    let error = files.refusal("none.pem", "key.pem");
    assert!(matches!(&error, TlsError::Read { path, .. } if *path == files.path("none.pem")));
    assert!(error.to_string().contains("none.pem") && error.source().is_some());
    let error = files.refusal("chain.pem", "no-key.pem");
    assert!(matches!(&error, TlsError::Read { path, .. } if *path == files.path("no-key.pem")));
    files.write("long.pem", &"x\n".repeat(1 << 20));
    assert!(matches!(files.refusal("long.pem", "key.pem"), TlsError::Read { .. }));
}

#[test]
fn a_file_without_what_it_should_have_is_named() {
    let files = Files::new();
    let error = files.refusal("key.pem", "key.pem");
    assert!(matches!(&error, TlsError::NoCertificate { path } if *path == files.path("key.pem")));
    let error = files.refusal("chain.pem", "chain.pem");
    assert!(matches!(&error, TlsError::NoKey { path } if *path == files.path("chain.pem")));
    files.write("empty.pem", "");
    assert!(matches!(files.refusal("empty.pem", "key.pem"), TlsError::NoCertificate { .. }));
    assert!(matches!(files.refusal("chain.pem", "empty.pem"), TlsError::NoKey { .. }));
}

#[test]
fn a_file_that_is_broken_is_named() {
    let files = Files::new();
    files.write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert!(matches!(files.refusal("cut.pem", "key.pem"), TlsError::Malformed { .. }));
    files.write("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(matches!(files.refusal("wrong.pem", "key.pem"), TlsError::Certificate { .. }));
    files.write("key.cut", "-----BEGIN PRIVATE KEY-----\nAAAA\n");
    assert!(matches!(files.refusal("chain.pem", "key.cut"), TlsError::Malformed { .. }));
    files.write("key.wrong", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert!(matches!(files.refusal("chain.pem", "key.wrong"), TlsError::Key { .. }));
}

#[test]
fn a_key_of_another_certificate_is_refused_with_both_names() {
    let files = Files::new();
    files.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let error = files.refusal("chain.pem", "other.pem");
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error:?}");
    let words = error.to_string();
    assert!(words.contains("chain.pem") && words.contains("other.pem"), "{words}");
}
