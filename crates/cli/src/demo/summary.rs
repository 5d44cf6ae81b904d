//! `Summary`: the report of the demo, for people.

use std::fmt;

use rekindle_prove::{Failure, Tally};

use super::report::Report;
use crate::exit_status::ExitStatus;
use crate::output::{BAD, GOOD, TITLE, styled};
use crate::table::{Align, Table};
use crate::tally;
use crate::text::{count, short};

/// How many of the things that clients noticed are told one by one.
const FAILURES_SHOWN: usize = 10;

/// The report, for people.
#[derive(Debug)]
pub(super) struct Summary<'a>(pub(super) &'a Report);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(formatter, "\n{}", styled(TITLE, "What clients noticed"))?;
        writeln!(formatter, "{}", table(&report.load.tally))?;
        writeln!(formatter, "{}", styled(TITLE, "How long answers took"))?;
        writeln!(formatter, "{}", times(report))?;
        writeln!(formatter, "{}", styled(TITLE, "The upgrades"))?;
        writeln!(formatter, "{}", upgrades(report))?;
        failures(formatter, &report.load.failures)?;
        verdict(formatter, report)
    }
}

fn table(counters: &Tally) -> Table {
    let mut table = Table::new([Align::Left, Align::Right]);
    for counted in tally::counters(counters) {
        if counted.is_always_told || counted.number > 0 {
            table.row([counted.name, &count(counted.number)]);
        }
    }
    table
}

fn times(report: &Report) -> Table {
    let mut table = Table::new([Align::Left, Align::Right]);
    table.row(["p50", &short(report.latency.percentile(50.0))]);
    table.row(["p99", &short(report.latency.percentile(99.0))]);
    table.row(["max", &short(report.latency.longest())]);
    table.row(["longest time without an answer", &short(report.load.longest_gap.length)]);
    table
}

fn upgrades(report: &Report) -> Table {
    let mut table = Table::new([Align::Left, Align::Left, Align::Right, Align::Right]);
    table.row(["generation", "pid", "committed after", "only new answers after"]);
    for upgrade in &report.upgrades {
        table.row([
            format!("{} → {}", upgrade.old_generation, upgrade.generation),
            format!("{} → {}", upgrade.old_pid, upgrade.pid),
            short(upgrade.committed),
            upgrade.only_new.map_or_else(|| "no answer".to_owned(), short),
        ]);
    }
    table
}

fn failures(formatter: &mut fmt::Formatter<'_>, failures: &[Failure]) -> fmt::Result {
    for failure in failures.iter().take(FAILURES_SHOWN) {
        let (at, kind, cause) = (short(failure.at), failure.kind, failure.cause);
        let newest = failure.newest_generation.map(|generation| format!(" {generation}"));
        let newest = newest.unwrap_or_else(|| " none".to_owned());
        writeln!(formatter, "  after {at}: {kind}: {cause}; newest generation seen:{newest}")?;
    }
    if failures.len() > FAILURES_SHOWN {
        let more = failures.len() - FAILURES_SHOWN;
        writeln!(formatter, "  … and {more} more: see `--json`")?;
    }
    Ok(())
}

fn verdict(formatter: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let (number, requests) = (report.upgrades.len(), count(report.load.tally.started));
    match report.status() {
        ExitStatus::Done => {
            let nothing = styled(GOOD, "Clients noticed nothing");
            write!(
                formatter,
                "{nothing}: {number} upgrades, {requests} requests, none tried twice."
            )
        }
        ExitStatus::Noticed => {
            let something = styled(BAD, "Clients noticed");
            let noticed = count(report.noticed);
            write!(formatter, "{something} {noticed} things in {number} upgrades.")
        }
        _ => {
            let unknown = styled(BAD, "Nothing is proven");
            write!(formatter, "{unknown}: not everything could be measured on this machine.")
        }
    }
}
