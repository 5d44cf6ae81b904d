//! What `rekindle prove` finds: in a server that loses as it is told to and keeps account of it, in
//! servers that are known to lose, and in ours, which lose nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod command;
mod faults;
mod gunicorn;
mod nginx;
mod ours;
mod refusals;
mod still;
mod trial;
