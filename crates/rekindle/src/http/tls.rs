//! HTTP over TLS: the settings, the handshake, and tickets that outlive a process.

mod certificate;
mod handshake;
mod keyring;
mod realm;
mod session;
mod settings;
mod stream;
mod tickets;

pub use certificate::TlsError;
pub(crate) use handshake::Handshakes;
pub(crate) use session::run;
pub use settings::Tls;
pub(crate) use tickets::Tickets;
