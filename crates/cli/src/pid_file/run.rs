//! Which verb is which, and the process that a pid file names.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use rekindle_unix::{PidFile, PidFileError, Process};
use rustix::io::Errno;

use super::plan::{Order, Plan};
use super::{status, stop, upgrade};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;

/// Does it to the process that the file names.
pub(crate) fn run(plan: &Plan, output: Output) -> Result<ExitStatus, Failure> {
    let Plan { path, order, timeout } = plan;
    match order {
        Order::Status => status::run(path, output),
        Order::Upgrade { signal } => upgrade::run(path, *signal, *timeout, output),
        Order::Stop => stop::run(path, *timeout, output),
    }
}

/// The process that the file names, if it runs.
pub(super) fn named(path: &Path) -> Result<Process, Failure> {
    let pid = PidFile::read(path).map_err(|error| {
        let status = match error {
            PidFileError::NotFound { .. } => ExitStatus::NotRunning,
            _ => ExitStatus::CouldNotRun,
        };
        Failure::new(status, error)
    })?;
    running(pid)?.ok_or_else(|| {
        let path = path.display();
        let error = anyhow!("find process {pid}, which `{path}` names: it does not run");
        Failure::new(ExitStatus::NotRunning, error)
    })
}

/// The process with this pid, if it runs.
pub(super) fn running(pid: u32) -> Result<Option<Process>, Failure> {
    match Process::open(pid) {
        Ok(process) => {
            let is_running = process.is_running().context("look at the process")?;
            Ok(is_running.then_some(process))
        }
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(None),
        Err(error) => {
            let text = format!("look at process {pid}");
            Err(Failure::could_not_run(anyhow::Error::new(error).context(text)))
        }
    }
}

/// Sends the signal to a process that ran a moment ago.
pub(super) fn send(process: &Process, signal: Signal) -> Result<(), Failure> {
    process.kill(signal).map_err(|error| {
        let status = match Errno::from_io_error(&error) {
            Some(Errno::SRCH) => ExitStatus::NotRunning,
            Some(Errno::PERM) => ExitStatus::Refused,
            _ => ExitStatus::CouldNotRun,
        };
        let text = format!("send {signal} to process {}", process.pid());
        Failure::new(status, anyhow::Error::new(error).context(text))
    })
}
