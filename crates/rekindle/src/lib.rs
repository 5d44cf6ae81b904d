//! Replace a running network server by its next version, and no client notices.
//!
//! A service starts, claims its listeners, and is ready. On `SIGHUP`, on a word over the control
//! socket or on a call, it starts its program again and hands it the listening sockets; the new
//! process begins to accept once it is ready, the old one finishes what it has and exits. If the
//! new process fails in any way before it is ready, or dies in its probation after, the old one
//! serves on.
//!
//! ```no_run
//! # #[cfg(feature = "tokio")]
//! # mod example {
//! use tokio::io::AsyncWriteExt;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut service = rekindle::Service::builder().pid_file("app.pid").start()?;
//! let listener = service.tcp("hello", "127.0.0.1:8888")?; // inherited, or bound
//! let running = service.ready().await?; // an old process commits here
//! while let Some(mut connection) = listener.accept().await {
//!     tokio::spawn(async move { connection.write_all(b"hello\n").await });
//! }
//! let report = running.drained().await; // all finished, or the hammer fell
//! std::process::exit(i32::from(report.cut > 0));
//! # }
//! # }
//! ```
//!
//! `accept` waits while another generation accepts and ends when this one never will again, so the
//! loop above is all there is to do, roll backs included. The promises, the defaults and the limits
//! are in the repository's README; how it works is in ARCHITECTURE.md.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `tokio` (default) | [`Service`] and its listeners, for tasks; [`blocking`] is always there |
//! | `http` (default) | [`Service::serve`]: HTTP/1.1 whose connections move, and HTTP/2 |
//! | `tls` | the same over TLS, with session tickets that outlive a process |
//! | `axum` | `axum::serve` on our listeners |
//! | `metrics` | counters and gauges through the `metrics` facade |
//!
// The documentation of a build without them has nothing else to link to.
#![cfg_attr(not(feature = "tokio"), doc = "[`Service`]: crate::blocking::Service")]
#![cfg_attr(not(feature = "http"), doc = "[`Service::serve`]: crate#features")]
#![forbid(unsafe_code)]

mod acceptor;
#[cfg(feature = "tokio")]
mod async_stream;
#[cfg(feature = "axum")]
mod axum;
pub mod blocking;
mod builder;
mod claims;
mod clock;
mod connection;
pub mod control;
#[cfg(feature = "tokio")]
mod datagram_socket;
mod datagrams;
mod driver;
mod gate;
mod hand_over;
#[cfg(feature = "tokio")]
mod handed_over;
mod held;
mod hooks;
#[cfg(feature = "http")]
pub mod http;
mod incoming;
mod inventory;
mod life;
mod link;
#[cfg(feature = "tokio")]
mod listener;
mod moves;
mod poll_timeout;
#[cfg(feature = "tokio")]
mod readiness;
mod reception;
mod report;
#[cfg(feature = "tokio")]
mod running;
#[cfg(feature = "http")]
mod serve;
#[cfg(feature = "tokio")]
mod service;
mod shared;
mod signal_policy;
mod socket;
mod start;
mod states;
mod telemetry;
mod ticket;
mod tracker;
mod watch;
mod words;

#[cfg(feature = "tokio")]
pub use async_stream::{AsyncStream, Stream};
pub use builder::Builder;
pub use connection::Connection;
#[cfg(feature = "tokio")]
pub use datagram_socket::{DatagramSocket, UdpSocket, UnixDatagramSocket};
pub use datagrams::{Datagram, DatagramTransport};
pub use hand_over::HandOverError;
#[cfg(feature = "tokio")]
pub use handed_over::HandedOver;
pub use inventory::ListenError;
#[cfg(feature = "tokio")]
pub use listener::{Listener, SeqpacketListener, TcpListener, UnixListener};
pub use rekindle_core::{
    Confirmation, DrainEnd, Ending, Generation, HammerCause, MoveRefusal, NewFailure, Phase,
    Reason, Refusal, Verdict,
};
pub use rekindle_unix::{
    Address, AddressError, BindOptions, Signal, SocketKind, raise_descriptor_limit,
};
pub use report::{EXIT_CUT, Report, UpgradeReport};
#[cfg(feature = "tokio")]
pub use running::Running;
#[cfg(feature = "http")]
pub use serve::{ServeError, serve};
#[cfg(feature = "tokio")]
pub use service::Service;
pub use signal_policy::SignalAction;
pub use socket::Socket;
pub use start::StartError;
pub use states::StateError;
pub use tracker::{Guard, Resting};
