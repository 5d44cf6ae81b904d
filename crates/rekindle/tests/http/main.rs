//! Serving HTTP, on a stub: real sockets, no other process.

mod client;
mod edges;
mod exchanges;
mod http2;
mod limits;
mod server;
mod stop;
mod upgrades;
