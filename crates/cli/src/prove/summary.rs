//! `Summary`: a proof as tables, for people at a terminal.

use std::collections::HashMap;
use std::fmt;

use rekindle_prove::{
    Failure, FailureKind, Latency, Proof, RestartOutcome, RestartState, SeenBy, Tally,
};

use super::told::Told;
use super::verdict::Sentence;
use super::words;
use crate::output::{TITLE, styled};
use crate::table::{Align, Table};
use crate::tally::{self, noticed_parts};
use crate::text::{count, filled, printable, short};

/// How many restarts are told one by one.
const RESTARTS_SHOWN: usize = 20;
/// How many processes are told one by one.
const RESPONDERS_SHOWN: usize = 20;
/// How many of the things that clients noticed are told one by one, and how many of one kind: what
/// happens often does not hide what happens once.
const FAILURES_SHOWN: usize = 12;
const FAILURES_OF_A_KIND: usize = 4;

/// How far what was noticed is indented below its restart.
const NOTE_INDENT: usize = 6;

/// A proof and its verdict.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    pub(super) proof: &'a Proof,
    pub(super) sentence: Sentence<'a>,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = self.proof;
        writeln!(formatter, "\n{}", styled(TITLE, "What clients noticed"))?;
        writeln!(formatter, "{}", groups(proof))?;
        let gap = proof.outcome.longest_gap;
        let (length, from) = (short(gap.length), short(gap.from));
        writeln!(formatter, "  longest time without an answer: {length}, from {from} on\n")?;
        restarts(formatter, proof)?;
        responders(formatter, proof)?;
        failures(formatter, proof)?;
        self.sentence.fmt(formatter)
    }
}

/// A column for each group and, if there are several, one for all.
fn groups(proof: &Proof) -> Table {
    let groups = &proof.outcome.groups;
    let mut columns: Vec<Column<'_>> = groups
        .iter()
        .map(|group| Column {
            name: &group.name,
            connections: group.connections,
            tally: group.tally,
            latency: group.latency.clone(),
        })
        .collect();
    if let [first, rest @ ..] = groups.as_slice()
        && !rest.is_empty()
    {
        let mut latency = first.latency.clone();
        rest.iter().for_each(|group| latency.merge(&group.latency));
        let connections = groups.iter().map(|group| group.connections).sum();
        columns.push(Column { name: "all", connections, tally: proof.outcome.tally, latency });
    }
    let mut aligns = vec![Align::Right; columns.len() + 1];
    aligns[0] = Align::Left;
    let mut table = Table::new(aligns);
    let mut row = |name: &str, cell: &dyn Fn(&Column<'_>) -> String| {
        table.row([name.to_owned()].into_iter().chain(columns.iter().map(cell)));
    };
    row("", &|column| printable(column.name));
    row("connections", &|column| count(column.connections as u64));
    for (place, counted) in tally::counters(&proof.outcome.tally).into_iter().enumerate() {
        if counted.is_always_told || counted.number > 0 {
            row(counted.name, &|column| count(tally::counters(&column.tally)[place].number));
        }
    }
    row("answered a second", &|column| {
        count(proof.outcome.per_second(column.tally.answered).round() as u64)
    });
    for (name, percent) in [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)] {
        row(name, &|column| column.latency(|latency| latency.percentile(percent)));
    }
    row("longest", &|column| column.latency(Latency::longest));
    table
}

struct Column<'a> {
    name: &'a str,
    connections: usize,
    tally: Tally,
    latency: Latency,
}

impl Column<'_> {
    /// Without an answer there is no latency, not one of zero.
    fn latency(&self, of: impl Fn(&Latency) -> std::time::Duration) -> String {
        if self.latency.count() == 0 { "–".to_owned() } else { short(of(&self.latency)) }
    }
}

fn restarts(formatter: &mut fmt::Formatter<'_>, proof: &Proof) -> fmt::Result {
    if proof.restarts.is_empty() {
        return Ok(());
    }
    let title = "The restarts, and what was noticed from each to the next";
    writeln!(formatter, "{}", styled(TITLE, title))?;
    let all: Vec<_> =
        proof.restarts.iter().map(|restart| (restart, tally_of(proof, restart))).collect();
    let worse = |(restart, tally): &(&RestartOutcome, Tally)| {
        tally.noticed() > 0 || restart.state != RestartState::Changed
    };
    // If not all can be told, those that harmed are.
    let is_told = |row: &(&RestartOutcome, Tally)| all.len() <= RESTARTS_SHOWN || worse(row);
    let told: Vec<_> = all.iter().copied().filter(is_told).take(RESTARTS_SHOWN).collect();
    let mut table = Table::new([
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
        Align::Right,
    ]);
    table.row(["#", "at", "took", first_sign(proof), "process", "requests"]);
    let noted = |table: &mut Table, tally: &Tally| {
        if tally.noticed() > 0 {
            table.note(filled(&noticed_parts(tally), ",", NOTE_INDENT));
        }
    };
    if let Some(before) = proof.windows.iter().find(|window| window.restart == 0) {
        table.row(before_row(&before.tally));
        noted(&mut table, &before.tally);
    }
    for (restart, tally) in &told {
        table.row(restart_row(restart, tally));
        noted(&mut table, tally);
    }
    write!(formatter, "{table}")?;
    if told.len() < all.len() {
        let worst = all.iter().copied().filter(worse).count();
        let harmless = all.len() - worst;
        let left = (all.len() - told.len()).saturating_sub(harmless);
        let left = if left > 0 { format!("{left} more, and ") } else { String::new() };
        writeln!(
            formatter,
            "  … {left}{harmless} restarts in which nothing was noticed: see --json"
        )?;
    }
    writeln!(formatter)
}

/// What a new process did when it was first seen.
fn first_sign(proof: &Proof) -> &'static str {
    let mut changes = proof.restarts.iter().filter_map(|restart| restart.change.as_ref());
    match changes.any(|change| change.seen_by == SeenBy::Listener) {
        true => "listens after",
        false => "answers after",
    }
}

/// What was counted before any restart.
fn before_row(tally: &Tally) -> [String; 6] {
    let none = || "–".to_owned();
    let process = "before the first".to_owned();
    [none(), none(), none(), none(), process, count(tally.ended())]
}

fn restart_row(restart: &RestartOutcome, tally: &Tally) -> [String; 6] {
    let (after, process) = match &restart.change {
        Some(change) => {
            let after = short(change.at.saturating_sub(restart.at));
            (after, words::responder(&change.responder))
        }
        // The last sentence says why.
        None => ("–".to_owned(), words::state(restart.state).to_owned()),
    };
    let took = match restart.state {
        RestartState::UnderWay if restart.took.is_zero() => "–".to_owned(),
        _ => short(restart.took),
    };
    [
        restart.number.to_string(),
        short(restart.at),
        took,
        after,
        process,
        // What was under way when the next restart began counts where it ended, as all else does.
        count(tally.ended()),
    ]
}

/// What was counted from this restart to the next.
fn tally_of(proof: &Proof, restart: &RestartOutcome) -> Tally {
    let window = proof.windows.iter().find(|window| window.restart == restart.number);
    window.map_or_else(Tally::default, |window| window.tally)
}

/// Who answered, where no restart of ours says it.
fn responders(formatter: &mut fmt::Formatter<'_>, proof: &Proof) -> fmt::Result {
    let responders = &proof.outcome.generations;
    if responders.is_empty() || !proof.restarts.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{}", styled(TITLE, "Who answered"))?;
    let mut table = Table::new([Align::Left, Align::Right, Align::Right, Align::Right]);
    table.row(["", "answered", "first at", "last at"]);
    for one in responders.iter().take(RESPONDERS_SHOWN) {
        let who = words::responder(&one.responder);
        table.row([who, count(one.answered), short(one.first), short(one.last)]);
    }
    write!(formatter, "{table}")?;
    if responders.len() > RESPONDERS_SHOWN {
        let more = responders.len() - RESPONDERS_SHOWN;
        writeln!(formatter, "  … and {more} more: see --json")?;
    }
    writeln!(formatter)
}

fn failures(formatter: &mut fmt::Formatter<'_>, proof: &Proof) -> fmt::Result {
    let outcome = &proof.outcome;
    if outcome.failures.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{}", styled(TITLE, "What went wrong: the first of each kind"))?;
    let told = first_of_each_kind(&outcome.failures);
    for failure in &told {
        writeln!(formatter, "{}", Told { failure, groups: &outcome.groups })?;
    }
    let all = outcome.failures.len() as u64 + outcome.failures_not_kept;
    if all > told.len() as u64 {
        let more = count(all - told.len() as u64);
        writeln!(formatter, "  … and {more} more: see --json or --report")?;
    }
    writeln!(formatter)
}

fn first_of_each_kind(failures: &[Failure]) -> Vec<&Failure> {
    let mut seen = HashMap::<FailureKind, usize>::new();
    let is_early = |failure: &&Failure| {
        let seen = seen.entry(failure.kind).or_default();
        *seen += 1;
        *seen <= FAILURES_OF_A_KIND
    };
    failures.iter().filter(is_early).take(FAILURES_SHOWN).collect()
}
