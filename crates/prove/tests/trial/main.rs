//! Trials: a load with restarts, against services that are restarted on demand and whose every
//! fault is on a switch.
//!
//! `service` is the service; the other files are tests, by purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod check;
mod command;
mod course;
mod processes;
mod recognition;
mod service;
mod signal;
mod windows;
