//! The table of the groups: what each asked, what it counted, how long it took.

use maud::{Markup, html as markup};

use crate::account::latency::Latency;
use crate::account::tally::Tally;
use crate::proof::Proof;
use crate::report::counters::{self, Named};
use crate::report::html::table;
use crate::report::markdown::latency_of_all;
use crate::report::names;
use crate::report::words::{count, counted, foreign, latency};

/// How many groups have a row.
const ROWS: usize = 200;

pub(crate) fn table(proof: &Proof) -> Markup {
    let outcome = &proof.outcome;
    let told = told(&outcome.tally);
    let body = markup! {
        @for group in outcome.groups.iter().take(ROWS) {
            tr {
                th scope="row" {
                    (foreign(&names::group(group)))
                    small { (foreign(&group.request)) }
                    small { (connections(group.connections)) }
                }
                (cells(&group.tally, &group.latency, &told))
            }
        }
        @if outcome.groups.len() > 1 {
            tr.sum {
                th scope="row" {
                    "all"
                    small { (connections(outcome.groups.iter().map(|it| it.connections).sum())) }
                }
                (cells(&outcome.tally, &latency_of_all(&outcome.groups), &told))
            }
        }
    };
    markup! {
        section #groups {
            h2 { "Groups" }
            p.note { "Counters that are zero in every group are left out." }
            (table::scrolling("Groups", &head(&told), &body))
            (table::more(outcome.groups.len().saturating_sub(ROWS) as u64, "group", "groups"))
        }
    }
}

/// The counters that have a column: those that are not zero.
fn told(all: &Tally) -> Vec<&'static str> {
    named(all).filter(|named| named.count > 0).map(|named| named.name).collect()
}

fn named(tally: &Tally) -> impl Iterator<Item = Named> {
    counters::noticed(tally).into_iter().chain(counters::beside(tally))
}

fn head(told: &[&str]) -> Markup {
    markup! {
        tr {
            th { "group" }
            @for name in ["requests", "answered"] { th.number { (name) } }
            @for name in told { th.number { (name) } }
            @for name in ["p50", "p99", "p99.9", "longest"] { th.number { (name) } }
        }
    }
}

fn connections(number: usize) -> String {
    counted(number as u64, "connection", "connections")
}

fn cells(tally: &Tally, latencies: &Latency, told: &[&str]) -> Markup {
    let percentiles = [50.0, 99.0, 99.9].map(|percent| latencies.percentile(percent));
    markup! {
        td.number { (count(tally.started)) }
        td.number { (count(tally.answered)) }
        @for named in named(tally).filter(|named| told.contains(&named.name)) {
            td.number.bad[named.count > 0] { (count(named.count)) }
        }
        @for percentile in percentiles { td.number { (latency(percentile)) } }
        td.number { (latency(latencies.longest())) }
    }
}
