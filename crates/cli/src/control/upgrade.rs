//! `upgrade` over a control socket: the phases as they happen, then the verdict.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use rekindle::control::{Reply, Request, Wait};

use super::conversation::Caller;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Format, GOOD, Output, styled};
use crate::text::{printable, short};

/// What is said in words of one's own: people are told by `text` alone, which nobody calls with it.
const SILENT: Output = Output::new(Format::Text);

pub(super) fn run(
    caller: &Caller,
    wait: Wait,
    arguments: Option<Vec<String>>,
    output: Output,
) -> Result<ExitStatus, Failure> {
    let conversation = caller.ask(Request::Upgrade { wait, arguments })?;
    loop {
        match conversation.next(output)? {
            Reply::Phase { phase, after_ms, pid, .. } => {
                let (after, phase) = (milliseconds(after_ms), printable(&phase));
                let pid = pid.map(|pid| format!("   pid {pid}")).unwrap_or_default();
                output.text(format_args!("  {after:>10}   {phase:<10}{pid}"))?;
            }
            verdict @ Reply::Verdict { .. } => return conclude(caller, verdict, output),
            other => return Err(caller.not_understood(&other)),
        }
    }
}

/// Whether a service answers there, without a word about what it says.
pub(crate) fn answers(path: PathBuf, timeout: Duration) -> Result<(), Failure> {
    let caller = Caller::new(path, Some(timeout));
    match caller.ask(Request::Status {})?.next(SILENT)? {
        Reply::Status(_) => Ok(()),
        other => Err(caller.not_understood(&other)),
    }
}

/// Upgrades and says nothing of it: for those who tell it in words of their own.
pub(crate) fn upgrade(path: PathBuf, timeout: Duration) -> Result<(), Failure> {
    let caller = Caller::new(path, Some(timeout));
    let request = Request::Upgrade { wait: Wait::Committed, arguments: None };
    let conversation = caller.ask(request)?;
    loop {
        match conversation.next(SILENT)? {
            Reply::Phase { .. } => {}
            verdict @ Reply::Verdict { .. } => return judge(&caller, &verdict),
            other => return Err(caller.not_understood(&other)),
        }
    }
}

fn conclude(caller: &Caller, reply: Reply, output: Output) -> Result<ExitStatus, Failure> {
    judge(caller, &reply)?;
    if let Reply::Verdict { confirmed, generation, pid, old_pid, took_ms, .. } = reply {
        let confirmed = if confirmed { "confirmed" } else { "it may still be rolled back" };
        let (new, took) = (process(pid), milliseconds(took_ms));
        let committed = styled(GOOD, "committed");
        output.text(format_args!(
            "{committed} after {took}: generation {generation}, pid {old_pid} → {new}; {confirmed}"
        ))?;
    }
    Ok(ExitStatus::Done)
}

/// Whether it was committed, and if not, why.
fn judge(caller: &Caller, reply: &Reply) -> Result<(), Failure> {
    let Reply::Verdict { verdict, generation, pid, old_pid, phase, reason, message, .. } = reply
    else {
        return Err(caller.not_understood(reply));
    };
    let status = match verdict.as_str() {
        "committed" => return Ok(()),
        "aborted" => ExitStatus::Aborted,
        "rolled-back" => ExitStatus::RolledBack,
        _ => return Err(caller.not_understood(reply)),
    };
    let word = |word: &Option<String>| printable(word.as_deref().unwrap_or("unknown"));
    let (phase, reason, message) = (word(phase), word(reason), word(message));
    let verdict = verdict.replace('-', " ");
    Err(Failure::new(
        status,
        anyhow!(
            "upgrade to generation {generation}, pid {new}: {verdict} while {phase} ({reason}): \
             {message}; pid {old_pid} serves on",
            new = process(*pid),
        ),
    ))
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "none".to_owned(), |pid| pid.to_string())
}

fn milliseconds(milliseconds: u64) -> String {
    short(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concluded(verdict: &str, pid: Option<u32>) -> Result<ExitStatus, Failure> {
        let caller = Caller::new("x.sock".into(), None);
        let reply = Reply::Verdict {
            verdict: verdict.into(),
            confirmed: false,
            generation: 8,
            pid,
            old_pid: 40,
            took_ms: 12,
            phase: Some("starting".into()),
            reason: Some("exited".into()),
            message: Some("the new process exited with status 1".into()),
        };
        conclude(&caller, reply, Output::new(Format::Json))
    }

    #[test]
    fn each_verdict_has_its_exit_status() {
        assert_eq!(concluded("committed", Some(41)).unwrap(), ExitStatus::Done);
        for (verdict, status) in [
            ("aborted", ExitStatus::Aborted),
            ("rolled-back", ExitStatus::RolledBack),
            ("postponed", ExitStatus::Lost),
        ] {
            assert_eq!(concluded(verdict, Some(41)).unwrap_err().status, status);
        }
    }

    #[test]
    fn a_failed_upgrade_says_when_and_why_and_who_serves() {
        let error = concluded("rolled-back", None).unwrap_err().error.to_string();
        assert_eq!(
            error,
            "upgrade to generation 8, pid none: rolled back while starting (exited): the new \
             process exited with status 1; pid 40 serves on"
        );
    }
}
