//! A certificate chain and its private key, read from files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as RustlsError, InconsistentKeys};
use zeroize::Zeroizing;

/// The longest file that is read.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is no PEM file.
    #[error("read `{path}` as PEM")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is no certificate where one is expected.
    #[error("find a certificate in `{path}`: it has no section `CERTIFICATE`")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no private key where one is expected.
    #[error(
        "find a private key in `{path}`: it has no section `PRIVATE KEY`, `EC PRIVATE KEY` or \
         `RSA PRIVATE KEY`; keys with a password are not read"
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The certificate is no valid one.
    #[error("use the first certificate in `{path}`")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RustlsError,
    },
    /// The private key is no valid one, or of a kind that is not known.
    #[error("use the private key in `{path}`")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RustlsError,
    },
    /// The key belongs to another certificate.
    #[error("use the private key in `{key}`: the first certificate in `{certificates}` is not its")]
    Mismatch {
        /// The file with the certificates.
        certificates: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
}

/// Reads a chain, the server's own certificate first, and its key.
pub(crate) fn read(
    certificates: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(certificates)?;
    let der = read_key(key)?;
    let signing = provider
        .key_provider
        .load_private_key(der)
        .map_err(|source| TlsError::Key { path: key.into(), source })?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        // Unknown: the key cannot say which certificate is its own.
        Ok(()) | Err(RustlsError::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(RustlsError::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { certificates: certificates.into(), key: key.into() })
        }
        Err(source) => Err(TlsError::Certificate { path: certificates.into(), source }),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = read_file(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&content)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Malformed { path: path.into(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: path.into() });
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read_file(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.into() },
        source => TlsError::Malformed { path: path.into(), source },
    })
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let read = || {
        let mut content = Zeroizing::new(Vec::new());
        File::open(path)?.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut content)?;
        if content.len() as u64 > FILE_LIMIT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    };
    read().map_err(|source| TlsError::Read { path: path.into(), source })
}
