//! Sockets and descriptors among several processes, and what belongs to a whole process: its
//! environment, its umask, its limits, its user.
//!
//! Each test starts itself again as a process of its own (see `child`) and does there what other
//! tests must not see, or what theirs would disturb.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod child;
mod descriptor_limit;
mod environment;
#[path = "../shared/events.rs"]
mod events;
mod handover;
mod listen_fds;
mod network_namespace;
mod race;
mod state;
mod users;
