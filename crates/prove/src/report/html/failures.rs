//! The table of the failures: the first of them, each as its client saw it.

use maud::{Markup, html as markup};

use crate::account::failure::Failure;
use crate::proof::Proof;
use crate::report::html::table;
use crate::report::names;
use crate::report::words::{count, foreign, moment};

/// How many failures have a row.
const ROWS: usize = 200;

pub(crate) fn table(proof: &Proof) -> Markup {
    let outcome = &proof.outcome;
    if outcome.failures.is_empty() && outcome.failures_not_kept == 0 {
        return Markup::default();
    }
    let left = outcome.failures.len().saturating_sub(ROWS) as u64 + outcome.failures_not_kept;
    let head = markup! {
        tr {
            th.number { "at" } th.number { "restart" } th { "what" } th { "group" } th { "while" }
            th { "why" } th.number { "answered before" } th { "last answer from" }
            th { "next answer from" } th.number { "local port" }
        }
    };
    let body = markup! {
        @for failure in outcome.failures.iter().take(ROWS) { (row(proof, failure)) }
    };
    markup! {
        section #failures {
            h2 { "Failures" }
            p.note {
                "The first of them, by time, each as its client saw it; beside it the last restart \
                 before it."
            }
            (table::scrolling("Failures", &head, &body))
            (table::more(left, "failure", "failures"))
        }
    }
}

/// None before the first.
fn number(restart: u64) -> String {
    if restart == 0 { "–".to_owned() } else { count(restart) }
}

fn row(proof: &Proof, failure: &Failure) -> Markup {
    let last = failure.last_responder.as_ref().map(names::responder);
    let next = failure.next_responder.as_ref().map(names::responder);
    let port = failure.local_port.map(|port| port.to_string());
    markup! {
        tr {
            td.number { (moment(failure.at)) }
            td.number { (number(u64::from(failure.restart))) }
            td { (failure.kind) @if failure.crossed { small { "may have crossed" } } }
            td { (foreign(&names::group_of(proof, failure))) }
            td { (names::phase(failure.phase)) }
            td.long { (foreign(&failure.cause.to_string())) }
            td.number { (count(failure.answered_before)) }
            td.who { (foreign(last.as_deref().unwrap_or("–"))) }
            td.who { (foreign(next.as_deref().unwrap_or("–"))) }
            td.number { (port.as_deref().unwrap_or("–")) }
        }
    }
}
