//! `Told`: one thing that went wrong, in words.

use std::fmt;

use rekindle_prove::{Failure, FailureKind, GroupOutcome};

use super::words;
use crate::text::{count, filled, printable, short};

/// One thing that went wrong, indented: what, when, on which connection, and between which
/// processes.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) failure: &'a Failure,
    pub(super) groups: &'a [GroupOutcome],
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&filled(&self.parts(), ";", 2))
    }
}

impl Told<'_> {
    fn parts(&self) -> Vec<String> {
        let Failure { at, kind, phase, cause, restart, answered_before, .. } = self.failure;
        let group = self.groups.get(self.failure.group);
        let group = group.map_or_else(|| "?".to_owned(), |group| printable(&group.name));
        let (at, phase) = (short(*at), words::phase(*phase));
        let what = match kind {
            // It says by itself what the client was doing.
            FailureKind::ClosedBetweenRequests => kind.to_string(),
            _ => format!("{kind} {phase}"),
        };
        let mut parts = vec![format!("{at}, {group}: {what}: {}", printable(&cause.to_string()))];
        if self.failure.crossed {
            parts.push("the close may have crossed the request".to_owned());
        }
        parts.push(match restart {
            0 => "before any restart".to_owned(),
            number => format!("after restart {number}"),
        });
        parts.extend(self.failure.local_port.map(|port| format!("local port {port}")));
        let times = times_of(*answered_before);
        match (answered_before, &self.failure.last_responder) {
            (0, _) => {}
            (_, None) => parts.push(format!("answered {times} before")),
            (_, Some(last)) => {
                let last = words::responder(last);
                parts.push(format!("answered {times} before, last by {last}"));
            }
        }
        let next = self.failure.next_responder.as_ref();
        parts.extend(next.map(|next| format!("next by {}", words::responder(next))));
        parts
    }
}

fn times_of(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{} times", count(number)) }
}
