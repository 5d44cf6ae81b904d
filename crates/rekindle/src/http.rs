//! Serving HTTP.

#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
