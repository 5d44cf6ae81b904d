//! The examples as processes: started, asked, replaced under strict load, stopped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod axum;
mod chat;
mod client;
mod example;
mod grpc;
mod help;
mod http;
mod limits;
mod multi;
mod peer;
mod process;
mod seed;
mod serve;
