//! The parts of the library's face that no scenario needs, with real processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod parts;
mod program;
