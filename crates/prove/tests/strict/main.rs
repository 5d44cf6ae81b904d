//! The strict client against servers that lose on purpose, and against an honest one.
//!
//! `server` is the server; the other files are tests, by purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod attribution;
mod ending;
mod faults;
mod honest;
mod idle;
mod open;
mod ports;
mod refusal;
mod report;
mod server;
mod slow;
