//! The harness of the end-to-end tests: real servers, what happens to them, and strict clients.
//!
//! It owns the servers under test, in a temporary directory and a process group of their own, and
//! the looking at them from outside. It refuses to judge: what has to hold is in `tests/`.
//!
//! The servers are the binaries of this package: `server` is a good program on the library,
//! `impostor` takes its place as a bad next version, and `ask` is another user.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a harness of tests: what fails here fails a test")]

mod accept_queue;
mod certificate;
mod dripper;
mod fault;
mod fault_server;
mod fault_trial;
mod foreign_server;
mod http;
mod http2;
mod http2_load;
mod installation;
mod kernel;
mod launch;
mod load;
mod manner;
mod message_client;
mod notify_socket;
mod other_client;
mod patience;
mod process_view;
mod report;
mod server;
mod settings;
mod ticker;
mod tls_client;
mod upgrade;

pub use accept_queue::AcceptQueue;
pub use certificate::Certificate;
pub use dripper::Dripper;
pub use fault::{Fault, Queue, Twist};
pub use fault_server::{Deed, FaultServer, Harm};
pub use fault_trial::FaultTrial;
pub use foreign_server::{ForeignServer, installed, own_address};
pub use http::{HttpAnswer, HttpClient};
pub use http2::{Http2Client, Http2End, Http2Error};
pub use http2_load::{Http2Load, Http2Outcome};
pub use installation::{Installation, Next, Programs};
pub use kernel::{queued, tcp_counter};
pub use launch::Launch;
pub use load::{
    CLIENTS, assert_nothing_noticed, idle_connections, kept_connections, new_connections, serves_on,
};
pub use manner::Manner;
pub use message_client::Correspondent;
pub use notify_socket::{Notice, NotifySocket};
pub use other_client::OtherClient;
pub use patience::{PATIENCE, eventually, within};
pub use process_view::{Member, ProcessView};
pub use report::FinalReport;
pub use server::{Ended, Server};
pub use settings::{Face, Settings};
pub use ticker::{Ticked, Ticker};
pub use tls_client::{TlsClients, TlsConnection};
pub use upgrade::{UpgradeUnderWay, Verdict};
