//! The strict client against servers that lose on purpose, and against an honest one.
//!
//! `server` is the server of HTTP/1.1; `echo_server`, `socket_server` and `datagram_server` are
//! those of messages; the other files are tests, by purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod attribution;
mod datagram_server;
mod datagrams;
mod echo;
mod echo_server;
mod ending;
mod faults;
mod honest;
mod http2;
mod http2_server;
mod http2_tls;
mod idle;
mod open;
mod ports;
mod refusal;
mod report;
mod server;
mod slow;
mod socket_server;
mod tls;
mod websocket;
