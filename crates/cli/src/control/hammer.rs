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
            let processes = match processes {
                1 => "1 process was".to_owned(),
                _ => format!("{} processes were", count(processes)),
            };
            output.text(format_args!("the hammer fell: {processes} told to cut"))?;
            Ok(ExitStatus::Done)
        }
        other => Err(caller.not_understood(&other)),
    }
}
