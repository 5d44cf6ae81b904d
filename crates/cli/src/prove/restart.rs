//! How the server is restarted. Owns the one way that the strict clients must not know: by a word
//! over rekindle's control socket.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rekindle_prove::restart::{Asking, Command, Signal};
use rekindle_prove::{Restart, RestartError, Trial};

use super::plan::{Restarts, Way};
use crate::control;
use crate::failure::Failure;

/// The trial with these restarts.
pub(super) fn with_restarts(trial: Trial, restarts: &Restarts) -> Trial {
    let Restarts { way, times, every, lead, settle, timeout } = restarts;
    let mut trial = trial.times(*times).every(*every);
    if let Some(lead) = lead {
        trial = trial.lead(*lead);
    }
    if let Some(settle) = settle {
        trial = trial.settle(*settle);
    }
    match way {
        Way::Command(line) => trial.restart(Command::new(line).limit(*timeout)),
        Way::SignalToPid { name, pid } => trial.restart(Signal::to_pid(*name, *pid)),
        Way::SignalToPidFile { name, path } => trial.restart(Signal::to_pid_file(*name, path)),
        Way::Control(path) => trial.restart(Control { path: path.clone(), timeout: *timeout }),
    }
}

/// Looks before the load whether somebody is there to be restarted. What a command would do is not
/// tried.
pub(super) async fn check(restarts: &Restarts) -> Result<(), Failure> {
    let checked = match &restarts.way {
        Way::Command(_) => return Ok(()),
        Way::SignalToPid { name, pid } => Signal::to_pid(*name, *pid).check(),
        Way::SignalToPidFile { name, path } => Signal::to_pid_file(*name, path).check(),
        Way::Control(path) => {
            let (path, timeout) = (path.clone(), restarts.timeout);
            let asked = tokio::task::spawn_blocking(move || control::answers(path, timeout));
            let answered = asked.await.context("ask on the control socket")?;
            // Whatever it is of a service that is asked something, here it is no measurement.
            return answered.map_err(|failure| Failure::could_not_run(failure.error));
        }
    };
    checked.map_err(|error| Failure::could_not_run(anyhow!("{error}")))
}

/// An upgrade that is asked for over a control socket; it is over when the new process serves.
struct Control {
    path: PathBuf,
    timeout: Duration,
}

impl Restart for Control {
    fn restart(&self, _: u32) -> Asking<'_> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        // It blocks, and clients must not stand still meanwhile.
        let asked = tokio::task::spawn_blocking(move || control::upgrade(path, timeout));
        Box::pin(async move {
            match asked.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(RestartError::other(format_args!("{:#}", failure.error))),
                Err(error) => Err(RestartError::other(error)),
            }
        })
    }
}
