//! `stop` over a control socket: until the process is gone, not only until it says goodbye.

use std::time::Duration;

use anyhow::Context as _;
use rekindle::control::{Reply, Request};
use rekindle_unix::Process;

use super::conversation::Caller;
use super::status;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{BAD, Format, GOOD, Output, styled};
use crate::text::{count, short};

pub(super) fn run(caller: &Caller, output: Output) -> Result<ExitStatus, Failure> {
    // Held before it is asked, so that its pid cannot go to another meanwhile. The answer to this
    // question is not part of the conversation that a program wants to read.
    let status = status::ask(caller, Output::new(Format::Text))?;
    let process = Process::open(status.pid);
    let exit_status = converse(caller, output)?;
    // If the system does not let us look at it, its goodbye has to do.
    if let Ok(process) = process {
        wait(caller, &process)?;
    }
    Ok(exit_status)
}

fn converse(caller: &Caller, output: Output) -> Result<ExitStatus, Failure> {
    let conversation = caller.ask(Request::Stop {})?;
    loop {
        match conversation.next(output)? {
            Reply::Stopping { in_flight: 0 } => output.text("stopping: nothing is in flight")?,
            Reply::Stopping { in_flight } => {
                let in_flight = count(in_flight);
                output.text(format_args!("stopping: {in_flight} in flight, finished first"))?;
            }
            Reply::Stopped { cut, took_ms } => {
                let took = short(Duration::from_millis(took_ms));
                if cut == 0 {
                    let stopped = styled(GOOD, "stopped");
                    output.text(format_args!("{stopped} after {took}: nothing was cut"))?;
                    return Ok(ExitStatus::Done);
                }
                let were = if cut == 1 { "was" } else { "were" };
                let (stopped, cut) = (styled(BAD, "stopped"), count(cut));
                output.text(format_args!("{stopped} after {took}: {cut} in flight {were} cut"))?;
                return Ok(ExitStatus::Noticed);
            }
            other => return Err(caller.not_understood(&other)),
        }
    }
}

fn wait(caller: &Caller, process: &Process) -> Result<(), Failure> {
    let left = caller.left().unwrap_or(Duration::MAX);
    match process.wait_for(left).context("wait for the end of the process")? {
        true => Ok(()),
        false => Err(caller.timed_out()),
    }
}
