//! How the server is restarted. Owns the one way that the strict clients must not know: by a word
//! over rekindle's control socket.

use std::path::PathBuf;
use std::time::Duration;

use rekindle_prove::restart::{Asking, Command, Signal};
use rekindle_prove::{Restart, RestartError, Trial};

use super::plan::{Restarts, Way};
use crate::control;

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
