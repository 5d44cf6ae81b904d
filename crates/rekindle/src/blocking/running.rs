//! A service that serves, for threads.

use std::ffi::OsString;
use std::sync::Arc;

use rekindle_core::{Ending, Generation, Refusal};

use crate::life::RunningLife;
use crate::report::{Report, UpgradeReport};
use crate::shared::Shared;
use crate::tracker::Guard;

/// A service that serves.
#[derive(Debug)]
pub struct Running {
    life: RunningLife,
}

impl Running {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { life: RunningLife::new(shared) }
    }

    /// The generation that this process is.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.life.shared().generation
    }

    /// How many connections and guards there are.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.life.shared().tracker.in_flight()
    }

    /// A guard for work that is not a connection: the process does not exit before it is dropped,
    /// as long as the drain deadline allows.
    pub fn guard(&self) -> Guard {
        self.life.shared().tracker.guard()
    }

    /// Asks for an upgrade and waits for the verdict, to the end of the probation.
    ///
    /// # Errors
    ///
    /// If this is not the moment.
    pub fn upgrade(&self) -> Result<UpgradeReport, Refusal> {
        self.life.ask_for_upgrade(None).outcome_blocking()
    }

    /// [`Running::upgrade`] with other arguments for the new process, without the program's name.
    ///
    /// # Errors
    ///
    /// If this is not the moment.
    pub fn upgrade_with<I>(&self, arguments: I) -> Result<UpgradeReport, Refusal>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let arguments = arguments.into_iter().map(Into::into).collect();
        self.life.ask_for_upgrade(Some(arguments)).outcome_blocking()
    }

    /// Asks for a graceful stop; a second time, for a stop at once.
    pub fn stop(&self) {
        self.life.stop();
    }

    /// Asks that what drains is cut now, here and in older generations.
    pub fn hammer(&self) {
        self.life.hammer();
    }

    /// Waits until this process has been replaced and its successor is in probation, or until it
    /// is ending: no new work comes, for now. The moment for a server with kept connections to
    /// say goodbye on them.
    pub fn draining(&self) {
        self.life.shared().stage.until_blocking(RunningLife::draining);
    }

    /// Waits until this process serves again, after its successor was rolled back; or until it is
    /// ending, and then returns why.
    pub fn resumed(&self) -> Result<(), Ending> {
        self.life.shared().stage.until_blocking(RunningLife::resumed)
    }

    /// Waits until this process accepts no more, ever: its successor is confirmed, or it was asked
    /// to stop.
    pub fn ending(&self) -> Ending {
        self.life.shared().stage.until_blocking(RunningLife::ending)
    }

    /// Waits until all that was in flight is finished, or the hammer fell on it. Then the program
    /// should exit.
    pub fn drained(&self) -> Report {
        self.life.shared().stage.until_blocking(RunningLife::report)
    }
}
