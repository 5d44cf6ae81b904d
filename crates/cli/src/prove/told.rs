//! `Told`: one thing that went wrong, in words.

use std::fmt;

use rekindle_prove::{Failure, GroupOutcome};

use super::words;
use crate::text::{printable, short};

/// One thing that went wrong: what, when, on which connection, and between which processes.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) failure: &'a Failure,
    pub(super) groups: &'a [GroupOutcome],
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { at, kind, phase, cause, restart, answered_before, .. } = self.failure;
        let group = self.groups.get(self.failure.group);
        let group = group.map_or_else(|| "?".to_owned(), |group| printable(&group.name));
        let (at, phase) = (short(*at), words::phase(*phase));
        write!(formatter, "{at}, {group}: {kind} {phase}: {}", printable(&cause.to_string()))?;
        if self.failure.crossed {
            formatter.write_str("; the close may have crossed the request")?;
        }
        match restart {
            0 => formatter.write_str("; before any restart")?,
            number => write!(formatter, "; after restart {number}")?,
        }
        if let Some(port) = self.failure.local_port {
            write!(formatter, "; local port {port}")?;
        }
        match (answered_before, &self.failure.last_responder) {
            (0, _) => {}
            (times, None) => write!(formatter, "; answered {} before", times_of(*times))?,
            (times, Some(last)) => {
                let (times, last) = (times_of(*times), words::responder(last));
                write!(formatter, "; answered {times} before, last by {last}")?;
            }
        }
        match &self.failure.next_responder {
            Some(next) => write!(formatter, "; next by {}", words::responder(next)),
            None => Ok(()),
        }
    }
}

fn times_of(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}
