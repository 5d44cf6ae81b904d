//! What the system does for `rekindle`: addresses, listeners, the passing of descriptors, peer
//! credentials and the cutting of connections. It refuses policy: nothing here decides when.

#![deny(unsafe_code)]

mod address;
mod kind;

pub use address::{Address, AddressError, InternetAddress, NAME_LIMIT_BYTES, UnixName};
pub use kind::SocketKind;
