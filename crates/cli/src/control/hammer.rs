//! `hammer` over a control socket.

use rekindle::control::{Reply, Request};

use super::conversation::Caller;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::count;

pub(super) fn run(caller: &Caller, output: Output) -> Result<ExitStatus, Failure> {
    match caller.ask(Request::Hammer {})?.next(output)? {
        Reply::Hammered { processes } => {
            let processes = count(processes);
            output.text(format_args!("the hammer fell: {processes} processes were told to cut"))?;
            Ok(ExitStatus::Done)
        }
        other => Err(caller.not_understood(&other)),
    }
}
