//! Why a trial would prove nothing, and which option is about that.

use std::fmt;

use anyhow::anyhow;
use rekindle_prove::{Cause, CheckError, Failure as Noticed, FailureKind, WrongAnswer};

use crate::failure::Failure;
use crate::text::printable_lines;

/// What was found before the load, with the option that is about it.
pub(super) fn unfit(error: &CheckError) -> Failure {
    told(format_args!("{error}{}", hint(error)))
}

/// An error of the clients, whose text says all that its sources say.
pub(super) fn told(error: impl fmt::Display) -> Failure {
    Failure::could_not_run(anyhow!("{}", printable_lines(&error.to_string())))
}

fn hint(error: &CheckError) -> &'static str {
    match error {
        CheckError::NotAnswered { failure, request, .. } => hint_on_answer(failure, request),
        CheckError::NotKept { .. } => ": --mode new",
        CheckError::Unnamed | CheckError::Unseen(_) | CheckError::UnnamedAndUnseen(_) => {
            "; see --recognise, which may be off"
        }
        _ => "",
    }
}

fn hint_on_answer(failure: &Noticed, request: &str) -> &'static str {
    match (failure.kind, &failure.cause) {
        (_, Cause::Answer(WrongAnswer::Certificate { .. })) => {
            "; see --cacert, --host and --insecure"
        }
        (FailureKind::Wrong, _) if request.starts_with("POST") => {
            "; modes post and upload take a path that answers with the body: --mode post@/echo"
        }
        (_, Cause::Answer(WrongAnswer::Status { .. })) if request.starts_with("message") => {
            "; a WebSocket is opened by a path that answers with 101, as in --mode ws@/chat"
        }
        (FailureKind::TimedOut, _) => "; see --request-timeout",
        _ => "",
    }
}
