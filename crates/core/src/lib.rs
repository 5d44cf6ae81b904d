//! What rekindle decides, and nothing else.
//!
//! This crate owns the machines of a hand-over (the old side, the new side, the drain, the life of
//! one process) and the messages that the two sides exchange. It refuses I/O, clocks, process ids,
//! raw descriptors and `unsafe`: a driver tells a machine what happened and when
//! ([`Life::handle`]), asks what to do ([`Life::poll_action`]) and until when it may sleep
//! ([`Life::poll_timeout`]). The crate is `no_std`, so that the compiler keeps that door shut.
//!
//! Programs use the `rekindle` crate, which joins this one to the system.

#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod codec;
mod drain;
mod elders;
mod generation;
mod life;
mod listener;
mod message;
mod moved;
mod moves;
mod new;
mod offer;
mod old;
mod reason;
mod recall;
mod settings;
mod text;
mod time;
mod verdict;
mod version;

pub use codec::{DecodeError, EncodeError, FRAME_LIMIT_BYTES, decode, encode};
pub use drain::{Drain, DrainEnd, DrainReport, HammerCause, Tally};
pub use elders::{Elder, Elders};
pub use generation::Generation;
pub use life::{Action, Ending, Event, Life, LifePhase, Refusal};
pub use listener::{ListenerEntry, ListenerName, NameError, SocketKind};
pub use message::{ElderEntry, Message, StateEntry};
pub use moved::{MOVE_LIMIT_BYTES, MoveRefusal, MovedEntry, Receiver};
pub use moves::{Intake, MOVE_WINDOW, MoveAction, Moves, RECEIVER_LIMIT};
pub use new::{Greeting, NewAction, NewEvent, NewFailure, NewSide};
pub use offer::{
    DESCRIPTORS_PER_FRAME, ELDER_LIMIT, LISTENER_LIMIT, Offer, OfferError, OfferReader,
    STATE_LIMIT, STATE_LIMIT_BYTES, frames,
};
pub use old::{OldAction, OldEvent, OldSide, Terms};
pub use reason::{Reason, SpawnFailure};
pub use recall::{Then, Turn};
pub use settings::Settings;
pub use text::{TEXT_LIMIT_BYTES, Text};
pub use time::Instant;
pub use verdict::{Confirmation, Phase, Verdict};
pub use version::{PROTOCOL, Version, VersionRange};
