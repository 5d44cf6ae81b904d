//! Who looks whether a restart made a new process. Owns what was there before it; refuses to say
//! what became of the clients.

use std::future::pending;
use std::time::Duration;

use crate::plan::Plan;
use crate::proof::restart_outcome::{Change, RestartState};
use crate::recognise::recognition::Recognition;
use crate::run::Run;

/// What a trial looks with.
#[derive(Debug)]
pub(super) struct Eyes {
    recognition: Recognition,
}

impl Eyes {
    pub(super) fn new(_plan: &Plan, recognition: Recognition) -> Self {
        Self { recognition }
    }

    /// Looks who is there before a restart.
    pub(super) async fn look(&self, run: &Run) -> Observer {
        match self.recognition {
            Recognition::Off => Observer::Blind,
            Recognition::Auto | Recognition::Answers(_) | Recognition::Processes => {
                Observer::Answers { known: run.arrivals.count() }
            }
        }
    }
}

/// Who was there before a restart, and where to look for somebody else.
#[derive(Debug)]
pub(super) enum Observer {
    Blind,
    Answers { known: usize },
}

impl Observer {
    /// Waits for somebody who was not there before.
    pub(super) async fn change(&self, run: &Run, _number: u32, since: Duration) -> Change {
        match self {
            Self::Blind => pending().await,
            Self::Answers { known } => {
                let arrival = run.arrivals.next(*known, since).await;
                Change { at: arrival.at, responder: arrival.responder }
            }
        }
    }

    pub(super) fn is_blind(&self) -> bool {
        matches!(self, Self::Blind)
    }

    /// What it means that nobody was seen.
    pub(super) fn unseen(&self) -> RestartState {
        match self {
            Self::Blind => RestartState::NotJudged,
            Self::Answers { known: 0 } => RestartState::Unrecognised,
            Self::Answers { .. } => RestartState::Unchanged,
        }
    }
}
