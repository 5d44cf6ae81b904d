//! `stop` by a pid file: `SIGTERM`, and then the process ends, or does not.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use serde::Serialize;

use super::run::{named, send};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{GOOD, Output, styled};
use crate::text::short;

/// The answer for programs. If the process does not end, there is none but the exit status.
#[derive(Debug, Serialize)]
struct Answer {
    pid: u32,
    took_ms: u64,
}

pub(super) fn run(path: &Path, timeout: Duration, output: Output) -> Result<ExitStatus, Failure> {
    let process = named(path)?;
    let pid = process.pid();
    let begun = Instant::now();
    send(&process, Signal::Term)?;
    output.text(format_args!("stopping: process {pid}"))?;
    if !process.wait_for(timeout).context("wait for the end of the process")? {
        let error = anyhow!("see the end of process {pid} within {timeout:?}: it runs on");
        return Err(Failure::new(ExitStatus::TimedOut, error));
    }
    let took = begun.elapsed();
    output.text(format_args!("{} after {}", styled(GOOD, "stopped"), short(took)))?;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    output.object(&Answer { pid, took_ms })?;
    Ok(ExitStatus::Done)
}
