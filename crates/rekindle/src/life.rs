//! The life of a service that serves: what both faces ask and wait for.

use std::ffi::OsString;
use std::sync::Arc;

use rekindle_core::Ending;

use crate::report::Report;
use crate::shared::{Command, Shared, Stage};
use crate::ticket::Ticket;

/// The part of a running service that both faces have.
#[derive(Debug)]
pub(crate) struct RunningLife {
    shared: Arc<Shared>,
}

impl RunningLife {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn ask_for_upgrade(&self, arguments: Option<Vec<OsString>>) -> Ticket {
        let ticket = Ticket::new();
        self.shared.ask(Command::Upgrade { arguments, ticket: ticket.clone() });
        ticket
    }

    pub(crate) fn stop(&self) {
        self.shared.ask(Command::Stop);
    }

    pub(crate) fn hammer(&self) {
        self.shared.ask(Command::Hammer);
    }

    pub(crate) const fn draining(stage: &Stage) -> Option<()> {
        match stage {
            Stage::Starting | Stage::Failed(_) | Stage::Serving => None,
            Stage::Draining | Stage::Ending(_) | Stage::Finished(_) => Some(()),
        }
    }

    pub(crate) const fn resumed(stage: &Stage) -> Option<Result<(), Ending>> {
        match stage {
            Stage::Starting | Stage::Failed(_) | Stage::Draining => None,
            Stage::Serving => Some(Ok(())),
            Stage::Ending(ending) => Some(Err(*ending)),
            Stage::Finished(report) => Some(Err(report.ending)),
        }
    }

    pub(crate) const fn ending(stage: &Stage) -> Option<Ending> {
        match stage {
            Stage::Starting | Stage::Failed(_) | Stage::Serving | Stage::Draining => None,
            Stage::Ending(ending) => Some(*ending),
            Stage::Finished(report) => Some(report.ending),
        }
    }

    pub(crate) const fn report(stage: &Stage) -> Option<Report> {
        match stage {
            Stage::Finished(report) => Some(*report),
            Stage::Starting
            | Stage::Failed(_)
            | Stage::Serving
            | Stage::Draining
            | Stage::Ending(_) => None,
        }
    }
}

impl Drop for RunningLife {
    /// The driver ends once nobody is left whom it could tell.
    fn drop(&mut self) {
        self.shared.bell().ring();
    }
}
