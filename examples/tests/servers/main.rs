//! The examples as processes: started, asked, replaced under strict load, stopped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod example;
mod help;
mod http;
mod limits;
mod multi;
mod peer;
mod process;
mod seed;
