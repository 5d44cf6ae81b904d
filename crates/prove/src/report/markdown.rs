//! A proof as a summary in Markdown, for the page of a CI job. Owns what it leaves out.

mod text;

use std::collections::HashMap;

use self::text::{code, literal};

use crate::account::failure::{Failure, FailureKind};
use crate::account::latency::Latency;
use crate::account::outcome::{GroupOutcome, Outcome};
use crate::account::tally::Tally;
use crate::proof::Proof;
use crate::proof::restart_outcome::RestartOutcome;
use crate::report::about::About;
use crate::report::counters::{self, Named};
use crate::report::judgement::{Judgement, Mark};
use crate::report::names;
use crate::report::words::{count, counted, latency, moment, time};

/// How many failures are told.
const FAILURES: usize = 20;
/// How many restarts are told, from the first.
const RESTARTS: usize = 50;
/// How many groups are told.
const GROUPS: usize = 50;

/// A proof as a short summary in GitHub's flavour of Markdown: what clients noticed, a table of the
/// groups, one of the restarts, and the first failures.
#[must_use]
pub fn markdown(proof: &Proof, about: &About) -> String {
    let judgement = Judgement::of(proof, &about.allowances);
    let mark = match judgement.mark {
        Mark::Good => "✅",
        Mark::Bad => "❌",
        Mark::Unproven => "⚠️",
    };
    let mut text = format!("## {}\n\n", literal(&about.title));
    text += &format!("{mark} **{}**\n", literal(&judgement.sentence));
    for sentence in &judgement.further {
        text += &format!("\n{}\n", literal(sentence));
    }
    let allowed = about.allowances.iter().map(|it| ("allowed".to_owned(), it.to_string()));
    for (place, (name, fact)) in about.facts.iter().cloned().chain(allowed).enumerate() {
        let gap = if place == 0 { "\n" } else { "" };
        text += &format!("{gap}- {}: {}\n", literal(&name), code(&fact));
    }
    groups(&mut text, proof);
    restarts(&mut text, proof);
    failures(&mut text, proof);
    text
}

fn groups(text: &mut String, proof: &Proof) {
    let outcome = &proof.outcome;
    let told = Columns::of(&outcome.tally);
    let mut heads = vec!["group", "connections", "requests", "answered", "a second"];
    heads.extend(told.names());
    heads.extend(["p50", "p99", "p99.9", "longest"]);
    head(text, "Groups", &heads, 1);
    for group in outcome.groups.iter().take(GROUPS) {
        let name = format!("{} {}", literal(&names::group(group)), code(&group.request));
        let cells = GroupRow {
            connections: group.connections,
            tally: &group.tally,
            latency: &group.latency,
        };
        row(text, &cells.cells(name, outcome, &told));
    }
    if let [_, _, ..] = outcome.groups.as_slice() {
        let connections = outcome.groups.iter().map(|group| group.connections).sum();
        let latency = latency_of_all(&outcome.groups);
        let name = "**all**".to_owned();
        let cells = GroupRow { connections, tally: &outcome.tally, latency: &latency };
        row(text, &cells.cells(name, outcome, &told));
    }
    more(text, outcome.groups.len(), GROUPS, "group", "groups");
}

/// What is told of a group, or of all.
struct GroupRow<'a> {
    connections: usize,
    tally: &'a Tally,
    latency: &'a Latency,
}

impl GroupRow<'_> {
    fn cells(&self, name: String, outcome: &Outcome, told: &Columns) -> Vec<String> {
        let rate = outcome.per_second(self.tally.answered);
        let connections = self.connections as u64;
        let counts =
            [connections, self.tally.started, self.tally.answered, rate.round() as u64].map(count);
        let mut cells = vec![name];
        cells.extend(counts);
        cells.extend(told.cells(self.tally));
        let percentiles = [50.0, 99.0, 99.9].map(|percent| self.latency.percentile(percent));
        cells.extend(percentiles.map(latency));
        cells.push(latency(self.latency.longest()));
        cells
    }
}

/// The latencies of all groups as one.
pub(crate) fn latency_of_all(groups: &[GroupOutcome]) -> Latency {
    let mut all = Latency::new();
    groups.iter().for_each(|group| all.merge(&group.latency));
    all
}

fn restarts(text: &mut String, proof: &Proof) {
    if proof.restarts.is_empty() {
        return;
    }
    let after = names::first_sign(proof);
    let heads = ["restart", "at", "took", "new process", after, "noticed until the next"];
    head(text, "Restarts", &heads, usize::MAX);
    for restart in proof.restarts.iter().take(RESTARTS) {
        let window = proof.windows.iter().find(|window| window.restart == restart.number);
        let noticed = window.map_or_else(|| "–".to_owned(), |window| noticed(&window.tally));
        let [process, after] = change(restart);
        let at = moment(restart.at);
        row(text, &[restart.number.to_string(), at, time(restart.took), process, after, noticed]);
    }
    more(text, proof.restarts.len(), RESTARTS, "restart", "restarts");
}

/// The new process, and how long after the asking it was seen.
fn change(restart: &RestartOutcome) -> [String; 2] {
    let state = names::state(restart.state);
    match (&restart.error, &restart.change) {
        (Some(error), _) => [format!("**{}:** {}", literal(state), code(error)), "–".to_owned()],
        (None, Some(change)) => {
            let after = change.at.saturating_sub(restart.at);
            [literal(&names::responder(&change.responder)), time(after)]
        }
        (None, None) => [format!("**{}**", literal(state)), "–".to_owned()],
    }
}

/// What was noticed, in words.
fn noticed(tally: &Tally) -> String {
    let words: Vec<_> = counters::noticed(tally)
        .into_iter()
        .filter(|named| named.count > 0)
        .map(|named| format!("{} {}", count(named.count), named.name))
        .collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn failures(text: &mut String, proof: &Proof) {
    let outcome = &proof.outcome;
    if outcome.failures.is_empty() {
        return;
    }
    let heads = [
        "at",
        "restart",
        "what",
        "group",
        "while",
        "why",
        "local port",
        "answered last by",
        "answered next by",
    ];
    head(text, "Failures", &heads, usize::MAX);
    for failure in told(&outcome.failures) {
        row(text, &failure_cells(proof, failure));
    }
    let left = outcome.failures.len().saturating_sub(FAILURES) as u64 + outcome.failures_not_kept;
    if left > 0 {
        *text += &format!("\n… and {}.\n", counted(left, "more failure", "more failures"));
    }
}

/// The first of each kind, and then the first of all until there are enough, by time: what happens
/// often does not hide what happens once.
fn told(failures: &[Failure]) -> Vec<&Failure> {
    let mut seen = HashMap::<FailureKind, usize>::new();
    let is_early = |failure: &Failure| {
        let seen = seen.entry(failure.kind).or_default();
        *seen += 1;
        *seen <= FAILURES / FailureKind::ALL.len()
    };
    let is_early: Vec<_> = failures.iter().map(is_early).collect();
    let early = is_early.iter().filter(|early| **early).count();
    let mut room = FAILURES.saturating_sub(early);
    let each = failures.iter().zip(is_early);
    let is_told = |(_, early): &(&Failure, bool)| {
        let is_told = *early || room > 0;
        room -= usize::from(is_told && !early);
        is_told
    };
    each.filter(is_told).map(|(failure, _)| failure).collect()
}

fn failure_cells(proof: &Proof, failure: &Failure) -> [String; 9] {
    let crossed = if failure.crossed { " (crossed)" } else { "" };
    let last = failure.last_responder.as_ref().map(names::responder);
    let next = failure.next_responder.as_ref().map(names::responder);
    [
        moment(failure.at),
        if failure.restart == 0 { "–".to_owned() } else { failure.restart.to_string() },
        format!("{}{crossed}", failure.kind),
        literal(&names::group_of(proof, failure)),
        names::phase(failure.phase).to_owned(),
        code(&failure.cause.to_string()),
        failure.local_port.map_or_else(|| "–".to_owned(), |port| port.to_string()),
        literal(last.as_deref().unwrap_or("–")),
        literal(next.as_deref().unwrap_or("–")),
    ]
}

/// The title of a table and its first row; the columns from `numbers_from` on, counted from 0, are
/// aligned to the right.
fn head(text: &mut String, title: &str, heads: &[&str], numbers_from: usize) {
    *text += &format!("\n### {title}\n\n");
    row(text, heads);
    let rules = (0..heads.len()).map(|place| if place < numbers_from { "---" } else { "---:" });
    row(text, &rules.collect::<Vec<_>>());
}

fn row(text: &mut String, cells: &[impl AsRef<str>]) {
    for cell in cells {
        *text += &format!("| {} ", cell.as_ref());
    }
    text.push_str("|\n");
}

/// Says how many rows a table left out.
fn more(text: &mut String, all: usize, told: usize, one: &str, many: &str) {
    if let Some(left @ 1..) = all.checked_sub(told) {
        *text += &format!("\n… and {} more.\n", counted(left as u64, one, many));
    }
}

/// The counters that a table of the groups has a column for: those that are not zero.
struct Columns(Vec<Named>);

impl Columns {
    fn of(all: &Tally) -> Self {
        let named = counters::noticed(all).into_iter().chain(counters::beside(all));
        Self(named.filter(|named| named.count > 0).collect())
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|named| named.name)
    }

    fn cells(&self, tally: &Tally) -> impl Iterator<Item = String> {
        let named = counters::noticed(tally).into_iter().chain(counters::beside(tally));
        named.filter(|named| self.0.iter().any(|told| told.name == named.name)).map(|named| {
            if named.count > 0 { format!("**{}**", count(named.count)) } else { "0".to_owned() }
        })
    }
}

#[cfg(test)]
mod tests;
