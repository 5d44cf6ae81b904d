//! The look before a trial. Owns one request of each group, and what to do if it is not answered
//! right; refuses to count it anywhere.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::account::cause::Cause;
use crate::account::failure::{Failure, FailureKind};
use crate::account::outcome::{GroupOutcome, Outcome};
use crate::plan::Plan;
use crate::plan::error::PlanError;
use crate::recognise::processes::Processes;
use crate::recognise::recognition::Recognition;
use crate::wrong::WrongAnswer;

/// Why a trial would prove nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The load cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A request was not answered right.
    #[error(
        "ask `{request}` once before the trial, for group `{group}`: {}: {}; {}",
        .failure.kind, .failure.cause, advice(.failure)
    )]
    NotAnswered {
        /// What the group is called.
        group: String,
        /// What it asks.
        request: String,
        /// What came instead.
        failure: Box<Failure>,
    },
    /// A group keeps its connections, and the server ends them with the first answer.
    #[error(
        "ask `{request}` once before the trial, for group `{group}`: the server closes after its \
         first answer, so that no connection can be kept; ask with a connection a request"
    )]
    NotKept {
        /// What the group is called.
        group: String,
        /// What it asks.
        request: String,
    },
    /// No answer names its process.
    #[error(
        "tell the processes of the server apart: no answer names its process; have it send its pid \
         in a header field or in its body, or say where that stands"
    )]
    Unnamed,
    /// No process is seen at the sockets.
    #[error("tell the processes of the server apart by `/proc`: {0}")]
    Unseen(Unseen),
    /// Both of these.
    #[error(
        "tell the processes of the server apart: no answer names its process, and by `/proc` {0}; \
         have it send its pid in a header field, or go without this"
    )]
    UnnamedAndUnseen(Unseen),
}

/// Why no process is seen at the sockets of a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unseen {
    /// The server is on another machine.
    NotLocal,
    /// Nobody listens there, as far as this machine shows.
    NotServed,
    /// Who listens may not be looked into.
    NotReadable {
        /// How many processes may not be looked into.
        processes: usize,
    },
    /// There is no `/proc`, or not the usual one.
    Unavailable(io::Error),
}

impl fmt::Display for Unseen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLocal => formatter.write_str("only processes of this machine can be seen"),
            Self::NotServed => formatter.write_str(
                "nobody on this machine listens there: the server may be in a container, with a \
                 network of its own, or its Unix socket was bound by another name",
            ),
            Self::NotReadable { processes } => write!(
                formatter,
                "who listens there is not among those that may be looked into, and {processes} \
                 processes may not be: that needs root, or the user of the server",
            ),
            Self::Unavailable(error) => write!(formatter, "it cannot be read: {error}"),
        }
    }
}

/// What to do about a request that was not answered right.
fn advice(failure: &Failure) -> &'static str {
    match (failure.kind, failure.cause) {
        (FailureKind::Refused, _) => "start the server, or see where it listens",
        (FailureKind::CouldNotMeasure, _) => {
            "this machine has no port, descriptor or memory left for a connection"
        }
        (FailureKind::TimedOut, _) => "see what holds it up, or allow a request more time",
        (_, Cause::Answer(WrongAnswer::Status { .. })) => {
            "ask for something that it answers with a status of 2xx"
        }
        (_, Cause::Answer(WrongAnswer::Echo { .. } | WrongAnswer::EchoTooShort { .. })) => {
            "ask for something that sends back what it was sent"
        }
        _ => "see whether it speaks this protocol there, with TLS or without",
    }
}

/// Sends one request of each group, and looks whether processes can be told apart if that many
/// restarts shall be judged.
pub(super) async fn check(
    plan: &Plan,
    recognition: &Recognition,
    restarts: u32,
) -> Result<(), CheckError> {
    let outcome = plan.clone().once().start()?.wait().await;
    answered(&outcome)?;
    if restarts == 0 {
        return Ok(());
    }
    let is_named = !outcome.generations.is_empty();
    match recognition {
        Recognition::Off => Ok(()),
        Recognition::Answers(_) if is_named => Ok(()),
        Recognition::Answers(_) => Err(CheckError::Unnamed),
        Recognition::Processes => seen(plan).await.map_err(CheckError::Unseen),
        Recognition::Auto if is_named => Ok(()),
        Recognition::Auto => seen(plan).await.map_err(CheckError::UnnamedAndUnseen),
    }
}

fn answered(outcome: &Outcome) -> Result<(), CheckError> {
    if let Some(failure) = outcome.failures.first() {
        let GroupOutcome { name, request, .. } = &outcome.groups[failure.group];
        let (group, request) = (name.clone(), request.clone());
        return Err(CheckError::NotAnswered { group, request, failure: Box::new(failure.clone()) });
    }
    match outcome.groups.iter().find(|group| group.tally.announced_close > 0) {
        Some(GroupOutcome { name, request, .. }) => {
            Err(CheckError::NotKept { group: name.clone(), request: request.clone() })
        }
        None => Ok(()),
    }
}

async fn seen(plan: &Plan) -> Result<(), Unseen> {
    let processes = Arc::new(Processes::at(plan.targets()));
    if !processes.is_local() {
        return Err(Unseen::NotLocal);
    }
    let looked = spawn_blocking(move || processes.look()).await.map_err(io::Error::other);
    let sight = looked.and_then(|sight| sight).map_err(Unseen::Unavailable)?;
    match (sight.is_served, sight.holders.is_empty()) {
        (_, false) => Ok(()),
        (false, true) => Err(Unseen::NotServed),
        (true, true) => Err(Unseen::NotReadable { processes: sight.unreadable }),
    }
}
