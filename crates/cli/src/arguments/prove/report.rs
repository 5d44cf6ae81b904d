//! Which verdict is asked for, and in which forms the answer is given.

use std::path::PathBuf;

use clap::Args;
use rekindle_prove::Allowance;

/// Which verdict is asked for, and in which forms the answer is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct ReportArguments {
    /// How much of one kind is no failure, as in lost=0.1% (of the requests) or announced_close=5;
    /// may be given again. Kinds: refused, reset, lost, timed_out, wrong, closed_between_requests,
    /// unsolicited, announced_close, never_sent, and unchanged (of the restarts)
    #[arg(long = "allow", value_name = "KIND=NUMBER|PERCENT%")]
    pub(crate) allowances: Vec<Allowance>,

    /// Write a report with charts to this file: one HTML page that needs no network
    #[arg(long, value_name = "PATH")]
    pub(crate) report: Option<PathBuf>,

    /// Write a summary in Markdown to this file; `-` is standard output, in place of the tables
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,
}
