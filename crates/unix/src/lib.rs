//! What rekindle asks of the system. Linux only.
//!
//! This crate owns the system calls: programs found and started, children and other processes
//! watched, signals, notify sockets, pid files, environment markers. It refuses policy: when to
//! do any of it, and what to do when it fails, is for its callers.
//!
//! It is the only crate of the workspace with `unsafe` code, opted into file by file.

#![deny(unsafe_code)]

mod signal;
mod signals;

pub use signal::{Signal, SignalParseError};
pub use signals::{Signals, SignalsError, die_by};
