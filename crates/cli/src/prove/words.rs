//! What states, phases and processes are called.

use rekindle_prove::{Phase, Responder, RestartState, SeenBy};

/// A process of the service.
pub(super) fn responder(responder: &Responder) -> String {
    let generation = responder.generation;
    match responder.pid {
        Some(pid) => format!("pid {pid} (generation {generation})"),
        None => format!("generation {generation}"),
    }
}

/// What a new process was first seen to do.
pub(super) const fn sign(sign: SeenBy) -> &'static str {
    match sign {
        SeenBy::Answer => "answers",
        SeenBy::Listener => "holds the listener",
    }
}

/// What a client was doing.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "while connecting",
        Phase::Handshaking => "in the handshake",
        Phase::Sending => "while sending the request",
        Phase::Awaiting => "while awaiting the answer",
        Phase::Reading => "while reading the answer",
        Phase::Closing => "after the last answer",
        Phase::Idle => "while idle",
    }
}

/// What became of a restart after which no new process was seen.
pub(super) const fn state(state: RestartState) -> &'static str {
    match state {
        RestartState::UnderWay => "under way",
        RestartState::Changed => "a new process",
        RestartState::Unchanged => "no new process in time",
        RestartState::Failed => "failed",
        RestartState::Unrecognised => "cannot be told",
        RestartState::NotJudged => "not looked for",
    }
}
