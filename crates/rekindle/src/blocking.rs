//! The same service for plain threads: no runtime, the same machines, the same driver.
//!
//! ```no_run
//! use std::io::Write;
//! use std::thread;
//!
//! use rekindle::blocking::Service;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut service = Service::builder().pid_file("app.pid").start_blocking()?;
//!     let listener = service.tcp("hello", "127.0.0.1:8888")?;
//!     let running = service.ready()?;
//!     thread::spawn(move || {
//!         while let Some(mut connection) = listener.accept() {
//!             thread::spawn(move || connection.write_all(b"hello\n"));
//!         }
//!     });
//!     let report = running.drained();
//!     println!("{} cut", report.cut);
//!     Ok(())
//! }
//! ```

mod datagram_socket;
mod handed_over;
mod listener;
mod running;
mod service;

pub use datagram_socket::{DatagramSocket, UdpSocket, UnixDatagramSocket};
pub use handed_over::HandedOver;
pub use listener::{Listener, SeqpacketListener, Stream, TcpListener, UnixListener};
pub use running::Running;
pub use service::Service;
