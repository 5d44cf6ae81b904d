//! `run`: from the words of a command line to an exit status.
//!
//! Owns the order of the steps and the last words about a failure. Refuses everything else.

use std::ffi::OsString;
use std::io::Write as _;

use clap::FromArgMatches as _;

use crate::arguments::{Cli, command};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{BAD, styled};
use crate::plan::Plan;
use crate::{control, demo, demo_server, pid_file, prove};

/// Does what a command line says. Its first word is the name of the program.
///
/// Answers go to standard output, everything else to standard error. It is to be called first thing
/// in `main`, before there are other threads: the demo's server is started through it too.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitStatus {
    let matches = command().try_get_matches_from(arguments);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => carry_out(cli).unwrap_or_else(report),
        Err(answer) => {
            // It may be the help that was asked for. Nobody is left to tell if it cannot be shown.
            let _ = answer.print();
            if answer.use_stderr() { ExitStatus::CouldNotRun } else { ExitStatus::Done }
        }
    }
}

fn carry_out(cli: Cli) -> Result<ExitStatus, Failure> {
    let (plan, output) = Plan::new(cli)?;
    match plan {
        Plan::Demo(plan) => demo::run(&plan, output),
        Plan::Prove(plan) => prove::run(&plan, output),
        Plan::DemoServer(plan) => demo_server::run(&plan),
        Plan::Control(plan) => control::run(plan, output),
        Plan::PidFile(plan) => pid_file::run(&plan, output),
    }
}

fn report(Failure { status, error }: Failure) -> ExitStatus {
    let error = format_args!("failed to {error:#}");
    // If standard error is gone too, the exit status still says it.
    let _ = writeln!(anstream::stderr(), "{}: {error}", styled(BAD, "rekindle"));
    status
}
