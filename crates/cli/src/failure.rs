//! `Failure`: why a command did not do what it was asked, and the exit status that says so.

use anyhow::Error;

use crate::exit_status::ExitStatus;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: ExitStatus,
    /// Its text is a fragment that fits "failed to {…}".
    pub(crate) error: Error,
}

impl Failure {
    pub(crate) fn new(status: ExitStatus, error: impl Into<Error>) -> Self {
        Self { status, error: error.into() }
    }

    /// What could not be tried at all.
    pub(crate) fn could_not_run(error: impl Into<Error>) -> Self {
        Self::new(ExitStatus::CouldNotRun, error)
    }
}

/// For `?` on what the system refuses, with a context from `anyhow` that says what it was.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::could_not_run(error)
    }
}
