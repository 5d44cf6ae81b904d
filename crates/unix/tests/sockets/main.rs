//! Sockets and descriptors as they really are, within one process.
//!
//! No test here starts a child: between `fork` and `execve` a child has a copy of every descriptor
//! of this process, and what a test has just closed would not be closed yet. What needs children
//! is in `tests/passing`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bind;
mod channel;
mod channel_limits;
#[path = "../shared/events.rs"]
mod events;
mod inspect;
mod race;
mod sever;
