//! `status` over a control socket.

use std::time::Duration;

use rekindle::control::{Reply, Request, Status};

use super::conversation::Caller;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::text::{count, long, printable};

pub(super) fn run(caller: &Caller, output: Output) -> Result<ExitStatus, Failure> {
    let status = ask(caller, output)?;
    output.text(table(&status).to_string().trim_end())?;
    Ok(ExitStatus::Done)
}

/// What the service says of itself.
pub(super) fn ask(caller: &Caller, output: Output) -> Result<Status, Failure> {
    match caller.ask(Request::Status {})?.next(output)? {
        Reply::Status(status) => Ok(*status),
        other => Err(caller.not_understood(&other)),
    }
}

fn table(status: &Status) -> Table {
    let mut table = Table::new([Align::Left; 2]);
    table.row(["pid", &status.pid.to_string()]);
    table.row(["generation", &status.generation.to_string()]);
    table.row(["phase", &printable(&status.phase)]);
    if !status.build.is_empty() {
        table.row(["build", &printable(&status.build)]);
    }
    table.row(["uptime", &long(Duration::from_millis(status.uptime_ms))]);
    table.row(["in flight", &count(status.in_flight)]);
    // Most of the time there is nothing to say of it.
    if status.moved_in > 0 || status.moved_out > 0 {
        let (moved_in, moved_out) = (count(status.moved_in), count(status.moved_out));
        table.row(["moved", &format!("{moved_in} in, {moved_out} out")]);
    }
    rows(&mut table, "listeners", &status.listeners, |listener| {
        format!("{} {}", printable(&listener.name), printable(&listener.address))
    });
    rows(&mut table, "draining", &status.draining, |elder| {
        let (generation, pid) = (elder.generation, elder.pid);
        format!("generation {generation}, pid {pid}: {} in flight", count(elder.in_flight))
    });
    if let Some(failure) = &status.last_failure {
        let (verdict, reason) = (printable(&failure.verdict), printable(&failure.reason));
        let text = format!("{verdict} ({reason}): {}", printable(&failure.message));
        table.row(["last failure", &text]);
    }
    table
}

/// One row for each item, the first of them with the name; one that says so if there is none.
fn rows<T>(table: &mut Table, name: &str, items: &[T], text: impl Fn(&T) -> String) {
    if items.is_empty() {
        table.row([name, "none"]);
    }
    for (place, item) in items.iter().enumerate() {
        table.row([if place == 0 { name } else { "" }, &text(item)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it comes over the wire: the type is not for others to make.
    fn status(json: &str) -> Status {
        match Reply::from_line(json.as_bytes()).unwrap() {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_that_a_service_says_is_shown() {
        let status = status(
            r#"{"v":1,"event":"status","pid":4711,"generation":3,"phase":"serving",
            "build":"1.4.0","uptime_ms":7384999,"in_flight":1200,"moved_in":1150,"moved_out":0,
            "listeners":[{"name":"http","address":"tcp:127.0.0.1:80"},{"name":"x","address":""}],
            "draining":[{"generation":2,"pid":4700,"in_flight":3}],
            "last_failure":{"verdict":"aborted","reason":"exited","message":"it\u001b exited"}}"#,
        );
        let expected = "  pid            4711
  generation     3
  phase          serving
  build          1.4.0
  uptime         2h 3m 4s
  in flight      1,200
  moved          1,150 in, 0 out
  listeners      http tcp:127.0.0.1:80
                 x
  draining       generation 2, pid 4700: 3 in flight
  last failure   aborted (exited): it\\u{1b} exited
";
        assert_eq!(table(&status).to_string(), expected);
    }

    #[test]
    fn what_is_not_there_is_said_or_left_out() {
        let status = status(
            r#"{"v":1,"event":"status","pid":1,"generation":1,"phase":"serving","build":"",
            "uptime_ms":0,"in_flight":0,"listeners":[],"draining":[]}"#,
        );
        let text = table(&status).to_string();
        assert!(text.contains("  listeners    none\n  draining     none\n"), "{text}");
        assert!(!text.contains("build") && !text.contains("failure"), "{text}");
        assert!(!text.contains("moved"), "{text}");
    }
}
