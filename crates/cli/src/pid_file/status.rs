//! `status` by a pid file: does the process that it names run, and since when?

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::run::named;
use super::since::Since;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::text::long;

/// The answer for programs. If the process does not run, there is none but the exit status.
#[derive(Debug, Serialize)]
struct Answer {
    pid: u32,
    /// RFC 3339, in UTC.
    since: String,
    uptime_ms: u64,
}

pub(super) fn run(path: &Path, output: Output) -> Result<ExitStatus, Failure> {
    let process = named(path)?;
    let pid = process.pid();
    let since = Since::of(&process).with_context(|| format!("look at process {pid}"))?;
    let since = since.ok_or_else(|| {
        let error = anyhow!("look at process {pid}: it has just ended");
        Failure::new(ExitStatus::NotRunning, error)
    })?;
    let started = humantime::format_rfc3339_seconds(since.started).to_string();
    let mut table = Table::new([Align::Left; 2]);
    table.row(["pid", &pid.to_string()]);
    table.row(["running since", &started]);
    table.row(["uptime", &long(since.uptime)]);
    output.text(table.to_string().trim_end())?;
    let uptime_ms = u64::try_from(since.uptime.as_millis()).unwrap_or(u64::MAX);
    output.object(&Answer { pid, since: started, uptime_ms })?;
    Ok(ExitStatus::Done)
}
