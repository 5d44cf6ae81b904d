//! Sockets, descriptors and processes as they really are: each file tests one part of the crate
//! through its public interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bind;
mod channel;
mod channel_limits;
mod environment;
mod handover;
mod inspect;
mod listen_fds;
mod peer;
mod race;
mod sever;
mod support;
