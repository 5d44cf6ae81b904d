//! HTTP over TLS: the settings, the handshake, and tickets that outlive a process.

mod certificate;
mod handshake;
mod keyring;
mod realm;
mod settings;
mod tickets;

pub use certificate::TlsError;
pub use settings::Tls;
pub(crate) use tickets::{STATE_NAME, Tickets};
