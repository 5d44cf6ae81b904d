//! Says what clients notice while a server restarts.
//!
//! This crate owns strict clients of HTTP/1.1, WebSocket and echoes over TCP and UDP, with TLS or
//! without, the load made of many of them, and the account of what each one saw on the wire. It
//! refuses to know anything of the server under test, and it refuses to be kind: it never retries,
//! and whatever a client could notice is counted. See [`Tally`] for each counter and what it means
//! on the wire.
//!
//! ```no_run
//! use rekindle_prove::{Group, Mode, Plan, Request, Target};
//! # async fn example() -> Result<(), rekindle_prove::PlanError> {
//! let target = Target::Tcp(([127, 0, 0, 1], 8080).into());
//! let load = Plan::new(target)
//!     .group(Group::new(Mode::Keep, Request::get("/")).connections(32))
//!     .group(Group::new(Mode::New, Request::post("/echo", 16 * 1024)).connections(4))
//!     .start()?;
//! // … restart the server here …
//! let outcome = load.stop().await;
//! assert_eq!(outcome.tally.noticed(), 0, "{:#?}", outcome.failures);
//! # Ok(())
//! # }
//! ```

mod account;
mod client;
mod connect;
mod content;
mod conversation;
mod datagrams;
mod echo;
mod endpoint;
mod flow;
mod group;
mod http1;
mod http2;
mod load;
mod message;
mod numbered;
mod pacer;
mod plan;
mod proof;
mod protocol;
mod received;
mod recognise;
pub mod report;
mod request;
pub mod restart;
mod run;
mod stop;
mod stream;
mod target;
mod tls;
mod trial;
mod websocket;
mod wrong;

pub use account::cause::Cause;
pub use account::failure::{Failure, FailureKind, Phase};
pub use account::gap::Gap;
pub use account::generation::GenerationOutcome;
pub use account::latency::Latency;
pub use account::outcome::{GroupOutcome, Outcome};
pub use account::tally::Tally;
pub use endpoint::{Endpoint, EndpointError};
pub use group::{Group, Mode};
pub use load::Load;
pub use plan::Plan;
pub use plan::error::PlanError;
pub use proof::Proof;
pub use proof::allowance::{Allowance, AllowanceError, Notice};
pub use proof::restart_outcome::{Change, RestartOutcome, RestartState, SeenBy};
pub use proof::timeline::{Sample, Timeline};
pub use proof::verdict::{Obstacle, Verdict};
pub use proof::window::Window;
pub use protocol::Protocol;
pub use recognise::field::ByField;
pub use recognise::header_or_body::ByHeaderOrBody;
pub use recognise::pattern::{ByPattern, PatternError};
pub use recognise::recognition::Recognition;
pub use recognise::{Answer, Recognise, Responder};
pub use request::Request;
pub use restart::{Restart, RestartError};
pub use target::Target;
pub use tls::{Tls, TlsError};
pub use trial::{
    CheckError, Checked, GroupProgress, Progress, RunningTrial, Trial, TrialError, Unseen,
};
pub use wrong::{CertificateFlaw, Reason, WrongAnswer};
