//! What things are called in a report. Refuses to escape: who writes the name does.

use crate::account::failure::{Failure, Phase};
use crate::account::outcome::GroupOutcome;
use crate::proof::Proof;
use crate::proof::restart_outcome::RestartState;
use crate::recognise::Responder;

/// A group.
pub(crate) fn group(group: &GroupOutcome) -> String {
    group.name.clone()
}

/// The group of a failure.
pub(crate) fn group_of(proof: &Proof, failure: &Failure) -> String {
    proof.outcome.groups.get(failure.group).map_or_else(|| failure.mode.to_string(), group)
}

/// A process of the service.
pub(crate) fn responder(responder: &Responder) -> String {
    let generation = responder.generation;
    match responder.pid {
        Some(pid) => format!("generation {generation}, pid {pid}"),
        None => format!("generation {generation}"),
    }
}

/// What is said of a restart instead of a new process.
pub(crate) fn state(state: RestartState) -> &'static str {
    match state {
        RestartState::UnderWay => "under way at the end",
        RestartState::Changed => "changed",
        RestartState::Unchanged => "none: the same process, or one of the same name, answered on",
        RestartState::Failed => "could not be asked for",
        RestartState::Unrecognised => "cannot be told",
        RestartState::NotJudged => "not looked for",
    }
}

/// What a client was doing.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Handshaking => "shaking hands",
        Phase::Sending => "sending",
        Phase::Awaiting => "awaiting",
        Phase::Reading => "reading",
        Phase::Closing => "closing",
        Phase::Idle => "idle",
    }
}
