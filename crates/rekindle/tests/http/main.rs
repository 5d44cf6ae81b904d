//! Serving HTTP, on a stub: real sockets, no other process.

mod client;
mod exchanges;
mod http2;
mod limits;
mod server;
mod services;
mod stop;
mod upgrades;
