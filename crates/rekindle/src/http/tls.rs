//! HTTP over TLS: the settings, the handshake, and tickets that outlive a process.
//!
//! # A connection over TLS does not move yet
//!
//! Its listener asks for no moves, and [`stream`] refuses them. To move one, the new process would
//! have to go on with the secrets and sequence numbers of both directions, which rustls gives out
//! (`dangerous_extract_secrets`) and does not take back:
//!
//! - *Out*: a record reader under rustls that hands it whole records only, since it has no accessor
//!   for half of one; the first traffic secrets, kept by a `KeyLog` of the connection's own, from
//!   which the current ones follow; what is still to be sent, flushed; then the extraction.
//! - *In*: a handshake in memory, under a provider that puts those secrets and sequence numbers in
//!   the place of its own. The stream is an ordinary one again, key updates included.
//! - *Never*: two writers from one state, since that repeats nonces. The old process sends nothing
//!   more before the new one has taken, which is what `Moved` and `Taken` are; in doubt, close.
//!   Secrets go over the channel only, are erased, and only for who asked for it.

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
