//! `upgrade` by a pid file: a signal, and then the file names another process, or does not.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use rekindle_unix::{PidFile, Process};
use serde::Serialize;

use super::run::{named, running, send};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{GOOD, Output, styled};
use crate::text::short;

/// How often the file is read. Other programs write theirs in place, or remove and make it again,
/// on any file system: to look now and then is right for all of them.
const INTERVAL: Duration = Duration::from_millis(10);

/// How long after the end of the old process the file may go on naming nobody who runs. Programs
/// that replace themselves write it before, or right at the start of the new process.
const GRACE: Duration = Duration::from_secs(2);

/// The answer for programs. If the file does not change, there is none but the exit status.
#[derive(Debug, Serialize)]
struct Answer {
    verdict: &'static str,
    pid: u32,
    old_pid: u32,
    took_ms: u64,
}

pub(super) fn run(
    path: &Path,
    signal: Signal,
    timeout: Duration,
    output: Output,
) -> Result<ExitStatus, Failure> {
    let old = named(path)?;
    let begun = Instant::now();
    send(&old, signal)?;
    let new = wait(path, &old, signal, timeout)?;
    let (took, old_pid, pid) = (begun.elapsed(), old.pid(), new.pid());
    let committed = styled(GOOD, "committed");
    output.text(format_args!("{committed} after {}: pid {old_pid} → {pid}", short(took)))?;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    output.object(&Answer { verdict: "committed", pid, old_pid, took_ms })?;
    Ok(ExitStatus::Done)
}

/// Waits until the file names another process that runs.
fn wait(path: &Path, old: &Process, signal: Signal, timeout: Duration) -> Result<Process, Failure> {
    let begun = Instant::now();
    let mut ended_at = None;
    loop {
        if let Some(new) = successor(path, old)? {
            return Ok(new);
        }
        let now = Instant::now();
        if now.duration_since(begun) >= timeout {
            return Err(unchanged(path, old, timeout));
        }
        match ended_at {
            // The wait for its end is the pause between two looks as well.
            None if old.wait_for(INTERVAL).context("wait for the old process")? => {
                ended_at = Some(now);
            }
            None => {}
            Some(at) if now.duration_since(at) >= GRACE => return Err(ended(path, old, signal)),
            Some(_) => thread::sleep(INTERVAL),
        }
    }
}

/// The process that the file names now, if it is another one and runs. While the file is being
/// written there may be none, or half a number: the next look tells.
fn successor(path: &Path, old: &Process) -> Result<Option<Process>, Failure> {
    match PidFile::read(path) {
        Ok(pid) if pid != old.pid() => running(pid),
        Ok(_) | Err(_) => Ok(None),
    }
}

fn unchanged(path: &Path, old: &Process, timeout: Duration) -> Failure {
    let (path, pid) = (path.display(), old.pid());
    let error = anyhow!(
        "see another process in `{path}` within {timeout:?}: process {pid} runs on; its log may \
         say why"
    );
    Failure::new(ExitStatus::TimedOut, error)
}

fn ended(path: &Path, old: &Process, signal: Signal) -> Failure {
    let (path, pid) = (path.display(), old.pid());
    let error = anyhow!(
        "see another process in `{path}`: process {pid} ended after {signal}, and nobody took its \
         place; does the program handle that signal?"
    );
    Failure::new(ExitStatus::Lost, error)
}
