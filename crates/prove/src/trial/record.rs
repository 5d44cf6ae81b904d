//! What becomes of the restarts, while they are made. Owns that list; refuses to judge it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::proof::restart_outcome::{Change, RestartOutcome, RestartState};
use crate::restart::RestartError;

/// The restarts so far. One task writes, anybody reads.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Vec<RestartOutcome>>);

impl Record {
    pub(super) fn restarts(&self) -> Vec<RestartOutcome> {
        self.lock().clone()
    }

    /// The next restart is asked for, so much later than planned.
    pub(super) fn began(&self, number: u32, at: Duration, delayed: Duration) {
        self.lock().push(RestartOutcome {
            number,
            at,
            took: Duration::ZERO,
            delayed,
            state: RestartState::UnderWay,
            error: None,
            change: None,
        });
    }

    /// The last one has been asked for at this time.
    pub(super) fn asked(&self, at: Duration, result: Result<(), RestartError>) {
        self.amend(|restart| {
            restart.took = at.saturating_sub(restart.at);
            restart.error = result.err().map(|error| error.to_string());
        });
    }

    /// A new process was seen after the last one.
    pub(super) fn changed(&self, change: Change) {
        self.amend(|restart| restart.change = Some(change));
    }

    /// The new process of the last one is gone again, and those before it are all that is left.
    pub(super) fn undone(&self) {
        self.amend(|restart| {
            if restart.state == RestartState::Changed {
                (restart.state, restart.change) = (RestartState::Unchanged, None);
            }
        });
    }

    /// The last one came to its end.
    pub(super) fn ended(&self, state: RestartState) {
        self.amend(|restart| restart.state = state);
    }

    fn amend(&self, amend: impl FnOnce(&mut RestartOutcome)) {
        if let Some(last) = self.lock().last_mut() {
            amend(last);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RestartOutcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
