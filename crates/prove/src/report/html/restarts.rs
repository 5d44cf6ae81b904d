//! The table of the restarts: what became of each, and what was noticed until the next.

use maud::{Markup, html as markup};

use crate::account::tally::Tally;
use crate::proof::Proof;
use crate::proof::restart_outcome::{RestartOutcome, RestartState};
use crate::proof::window::Window;
use crate::report::counters;
use crate::report::html::table;
use crate::report::names;
use crate::report::words::{count, foreign, moment, time};

/// How many restarts have a row.
pub(crate) const ROWS: usize = 300;

pub(crate) fn table(proof: &Proof) -> Markup {
    let restarts = &proof.restarts;
    let head = markup! {
        tr {
            th.number { "restart" } th.number { "at" } th.number { "took" } th { "new process" }
            th.number { (names::first_sign(proof)) } th.number { "answered" }
            th { "noticed until the next" }
        }
    };
    let before = proof.windows.iter().find(|window| window.restart == 0);
    let body = markup! {
        @if let Some(window) = before {
            tr { td.number { "–" } td colspan="4" { "before the first" } (noticed(Some(window))) }
        }
        @for restart in restarts.iter().take(ROWS) { (row(proof, restart)) }
    };
    markup! {
        section #restarts {
            h2 { "Restarts" }
            @if restarts.is_empty() {
                p.note { "The server was not restarted." }
            } @else {
                p.note {
                    "When each was asked for, how long the asking took, and how long after it a \
                     new process first answered, or was first seen by /proc to hold the \
                     listener, which may be before it answers."
                }
                (table::scrolling("Restarts", &head, &body))
                (table::more(restarts.len().saturating_sub(ROWS) as u64, "restart", "restarts"))
            }
        }
    }
}

fn row(proof: &Proof, restart: &RestartOutcome) -> Markup {
    let number = restart.number;
    let window = proof.windows.iter().find(|window| window.restart == number);
    markup! {
        tr id={"restart-" (number)} {
            th.number scope="row" { (number) }
            td.number {
                (moment(restart.at))
                @if !restart.delayed.is_zero() { small { (time(restart.delayed)) " late" } }
            }
            td.number { (time(restart.took)) }
            (change(restart))
            (noticed(window))
        }
    }
}

fn change(restart: &RestartOutcome) -> Markup {
    let state = names::state(restart.state);
    markup! {
        @if let Some(error) = &restart.error {
            td.bad.long colspan="2" { (state) ": " (foreign(error)) }
        } @else if let Some(change) = &restart.change {
            td { (names::responder(&change.responder)) }
            td.number { (time(change.at.saturating_sub(restart.at))) }
        } @else {
            td.bad[restart.state == RestartState::Unchanged] colspan="2" { (state) }
        }
    }
}

fn noticed(window: Option<&Window>) -> Markup {
    markup! {
        @if let Some(window) = window {
            td.number { (count(window.tally.answered)) }
            (kinds(&window.tally))
        } @else {
            td.number { "–" } td { "–" }
        }
    }
}

fn kinds(tally: &Tally) -> Markup {
    let kinds: Vec<_> =
        counters::noticed(tally).into_iter().filter(|named| named.count > 0).collect();
    markup! {
        @if kinds.is_empty() {
            td.good { "nothing" }
        } @else {
            td.long {
                @for (place, named) in kinds.iter().enumerate() {
                    @if place > 0 { ", " }
                    strong.bad { (count(named.count)) } " " (named.name)
                }
            }
        }
    }
}
