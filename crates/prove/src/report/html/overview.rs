//! The head of the page: what it is of, what clients noticed, and the numbers that matter most.

use std::time::Duration;

use maud::{Markup, html as markup};

use crate::proof::Proof;
use crate::proof::restart_outcome::RestartOutcome;
use crate::report::about::About;
use crate::report::judgement::{Judgement, Mark};
use crate::report::markdown::latency_of_all;
use crate::report::words::{count, foreign, latency, moment, percent, time};

pub(crate) fn head(proof: &Proof, about: &About, judgement: &Judgement) -> Markup {
    let (class, sign) = match judgement.mark {
        Mark::Good => ("good", "✓"),
        Mark::Bad => ("bad", "✕"),
        Mark::Unproven => ("unproven", "?"),
    };
    markup! {
        header { h1 { (foreign(&about.title)) } }
        section.verdict.(class) aria-label="Verdict" {
            span.sign aria-hidden="true" { (sign) }
            div {
                p.sentence { (judgement.sentence) }
                @for sentence in &judgement.further { p { (sentence) } }
            }
        }
        dl.keys { @for key in keys(proof) { (key.draw()) } }
        @if !about.facts.is_empty() || !about.allowances.is_empty() {
            dl.facts {
                @for (name, text) in &about.facts {
                    div { dt { (foreign(name)) } dd { (foreign(text)) } }
                }
                @if !about.allowances.is_empty() {
                    div { dt { "allowed" } dd { (allowed(about)) } }
                }
            }
        }
    }
}

fn allowed(about: &About) -> String {
    about.allowances.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A number that matters, and what has to be known of it.
struct Key {
    name: &'static str,
    value: String,
    more: String,
}

impl Key {
    fn draw(&self) -> Markup {
        markup! { div { dt { (self.name) } dd { (self.value) small { (unbroken(&self.more)) } } } }
    }
}

/// A number stays with its unit.
fn unbroken(text: &str) -> String {
    text.replace(" ms", "\u{a0}ms").replace(" µs", "\u{a0}µs").replace(" s", "\u{a0}s")
}

fn keys(proof: &Proof) -> Vec<Key> {
    let outcome = &proof.outcome;
    let tally = &outcome.tally;
    let rate = outcome.per_second(tally.answered);
    let all = latency_of_all(&outcome.groups);
    let percentile = |percent| latency(all.percentile(percent));
    let mut keys = vec![
        Key {
            name: "Answered",
            value: percent(tally.answered, tally.started),
            more: format!(
                "{} requests, {} a second",
                count(tally.answered),
                count(rate.round() as u64)
            ),
        },
        Key {
            name: "Noticed",
            value: count(tally.noticed()),
            more: format!("of {} requests", count(tally.started)),
        },
    ];
    if !proof.restarts.is_empty() {
        keys.push(changes(proof));
    }
    keys.push(Key {
        name: "Longest silence",
        value: latency(outcome.longest_gap.length),
        more: format!("no answer at all, from {}", moment(outcome.longest_gap.from)),
    });
    keys.push(Key {
        name: "Latency p99",
        value: percentile(99.0),
        more: format!("p50 {}, p99.9 {}", percentile(50.0), percentile(99.9)),
    });
    keys.push(Key {
        name: "Longest latency",
        value: latency(all.longest()),
        more: format!("of {} answers", count(all.count())),
    });
    keys
}

/// How many restarts brought a new process, and how soon.
fn changes(proof: &Proof) -> Key {
    let after = |restart: &RestartOutcome| {
        restart.change.as_ref().map(|change| change.at.saturating_sub(restart.at))
    };
    let mut changes: Vec<Duration> = proof.restarts.iter().filter_map(after).collect();
    changes.sort_unstable();
    let more = match (changes.get(changes.len() / 2), changes.last()) {
        (Some(median), Some(longest)) => {
            format!("a new process after {} (median), at most {}", time(*median), time(*longest))
        }
        _ => "no new process was seen".to_owned(),
    };
    let (changed, all) = (changes.len() as u64, proof.restarts.len() as u64);
    let value =
        if changed == all { count(all) } else { format!("{} of {}", count(changed), count(all)) };
    Key { name: "Restarts", value, more }
}
