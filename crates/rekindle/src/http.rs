//! Serving HTTP, so that kept connections outlive the process that accepted them.
//!
//! [`Service::serve`](crate::Service::serve) serves any tower service (an `axum::Router`, tonic's
//! routes; hyper's own kind by [`HyperService`]) on a listener, for the whole life of the process:
//! before it is ready connections wait, at an upgrade they move to the new process, at a stop they
//! are finished.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use rekindle::Service;
//! use rekindle::http::HttpOptions;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut service = Service::builder().pid_file("app.pid").start()?;
//!     let public = service.tcp("public", "0.0.0.0:8888")?;
//!     let admin = service.unix("admin", "/run/app/admin.sock")?;
//!
//!     let app = Router::new().route("/", get(|| async { "hello\n" }));
//!     service.serve(public, app);
//!     let app = Router::new().route("/health", get(|| async { "fine\n" }));
//!     let options = HttpOptions::new().idle_timeout(Duration::from_secs(5));
//!     service.serve_with(admin, app, options);
//!
//!     let running = service.ready().await?;
//!     let report = running.drained().await;
//!     std::process::exit(i32::from(report.cut > 0));
//! }
//! ```
//!
//! With one listener and no settings, [`serve`](crate::serve()) is all of that in one call.
//!
//! An axum router makes the service of a route anew for each request, until it is given its state
//! by `with_state`, if only `()`. `axum::serve` does that for its user; here the feature `axum`
//! does.
//!
//! # What clients notice of an upgrade
//!
//! | connection | what happens to it |
//! |---|---|
//! | HTTP/1.1, between two requests | it moves to the new process. Its client sees nothing at all |
//! | HTTP/1.1, half a head sent | it moves with what is there, and the new process answers |
//! | HTTP/1.1, a request in flight | the old process answers, then the connection moves |
//! | HTTP/2 | GOAWAY in two steps; streams in flight are finished, the client connects anew |
//! | a WebSocket, or another upgrade | stays until it ends; see [`ConnectionInfo::draining`] |
//! | HTTP/1.1 over TLS | `Connection: close` on its next response; its session resumes |
//! | HTTP/1.1, and the new program does not take it | `Connection: close` on its next response |
//!
//! A listener's connections go to the listener of the same name in the new process, if that serves
//! HTTP on it. What has not ended by the drain deadline is cut, and counted in the
//! [`Report`](crate::Report).
//!
//! A WebSocket moves if the program hands it over: [`upgraded`] takes the stream out of hyper,
//! [`WholeFrames`] lets it be taken out of any WebSocket library between two messages, and
//! [`Connection::hand_over`](crate::Connection::hand_over) gives it to the new process. The
//! repository's example `chat` does all of it.
//!
//! At a stop, an idle connection is closed at once, and a response in flight is the last one on
//! its connection. A request of which a byte has arrived is answered, unless its client pipelines:
//! requests that are there already behind one that is answered by `Connection: close` are not
//! looked at, and their client may send them again on another connection (RFC 9112, section
//! 9.3.2). A TLS handshake of which a byte has arrived is finished.

mod answer;
mod berth;
mod capacity;
mod connection_info;
mod course;
mod exchange;
mod harbour;
mod home;
mod http1;
mod http2;
mod hyper_service;
mod linger;
mod lot;
mod options;
mod parked;
mod permits;
mod pilot;
mod request_body;
mod response_body;
#[cfg(feature = "axum")]
mod routes;
mod server;
mod session;
mod site;
mod tally;
#[cfg(test)]
mod testing;
mod timer;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod upgraded;
mod whole_frames;
mod wire;

pub use connection_info::ConnectionInfo;
pub use hyper_service::HyperService;
pub use options::HttpOptions;
pub(crate) use permits::Permits;
pub use request_body::{RequestBody, RequestBodyError};
pub(crate) use server::{HTTP1, Server};
#[cfg(feature = "tls")]
pub(crate) use tls::Tickets;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use upgraded::upgraded;
pub use whole_frames::WholeFrames;
