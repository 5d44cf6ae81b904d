//! The small parts that the examples share, so that each of them shows its one idea alone.
//!
//! [`http`] decides what is said on an HTTP/1.1 connection and knows neither sockets nor clocks;
//! [`threads`] and [`tasks`] carry it out. [`Goodbye`] is what a server with kept connections has
//! to know of an upgrade if it serves them by itself. [`counter`] is a gRPC service. The rest is
//! options, log and the line that says where a server listens.

pub mod counter;
pub mod http;
pub mod tasks;
pub mod threads;

mod goodbye;
mod log;
mod options;
mod server;
mod site;

pub use goodbye::Goodbye;
pub use log::log_to_stderr;
pub use options::{ServiceOptions, positive_duration};
pub use server::Server;
pub use site::{LONGEST_PAUSE, Site};
