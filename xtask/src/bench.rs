//! `cargo xtask bench`: how long upgrades take, and what they cost, against our goals.
//!
//! All is measured from outside, on the loopback, with the examples `bench_*`; what compares two
//! things measures them in turn in one run.

mod ask;
mod chain;
mod client;
mod clock;
mod control;
mod cores;
mod descriptors;
mod errand;
mod http;
mod lines;
mod listeners;
mod median;
mod moment;
mod moves;
mod process;
mod programs;
mod prove;
mod report;
mod rows;
mod server;
mod timeline;
mod upgrade;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};

use self::programs::Programs;
use self::report::Report;
use crate::repository::Repository;

/// What `cargo xtask bench` takes.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    bench: Bench,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
    /// Fail (status 1) if a goal is missed
    #[arg(long, global = true)]
    check: bool,
    /// Measure with the `bench_*` programs in this directory, and build none
    #[arg(long, global = true, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,
}

/// One bench.
#[derive(Debug, Subcommand)]
enum Bench {
    /// From the signal until only the new process answers, beside a cold start
    Upgrade {
        /// How often to measure
        #[arg(long, value_name = "N", default_value_t = 20)]
        rounds: usize,
    },
    /// An upgrade with many listeners beside one with a single listener
    Listeners {
        /// How often to measure
        #[arg(long, value_name = "N", default_value_t = 20)]
        rounds: usize,
        /// How many listeners
        #[arg(long, value_name = "N", default_value_t = 1000)]
        listeners: usize,
    },
    /// Serving HTTP by rekindle beside serving it without, and upgrades beside none
    Http {
        /// How often to measure
        #[arg(long, value_name = "N", default_value_t = 20)]
        rounds: usize,
        /// How long to measure each time, in milliseconds
        #[arg(long, value_name = "MS", default_value_t = 400)]
        round_ms: u64,
    },
    /// The strict client of `rekindle prove` beside wrk, and a pause of the server in what it finds
    Prove {
        /// How often to measure
        #[arg(long, value_name = "N", default_value_t = 8)]
        rounds: usize,
        /// How long to measure each time, in seconds
        #[arg(long, value_name = "S", default_value_t = 2)]
        round_s: u64,
    },
    /// Kept HTTP connections that an upgrade moves
    Move {
        /// How often to measure
        #[arg(long, value_name = "N", default_value_t = 5)]
        rounds: usize,
        /// How many connections
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        connections: usize,
    },
    /// What the last process of a chain of upgrades holds, beside the second
    Chain {
        /// How many upgrades
        #[arg(long, value_name = "N", default_value_t = 100)]
        upgrades: usize,
    },
}

/// Measures. Returns whether all is well: without `--check` a missed goal is only said.
pub(crate) fn run(repository: &Repository, options: &BenchOptions) -> Result<bool> {
    let programs = match &options.programs {
        Some(directory) => Programs::Built(directory),
        None => Programs::OfRepository(repository),
    };
    let report = options.bench.measure(&programs)?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(options.accepts(&report))
}

impl BenchOptions {
    /// Whether what was found is well enough.
    fn accepts(&self, report: &Report) -> bool {
        report.meets_goals() || !self.check
    }
}

impl Bench {
    fn measure(&self, programs: &Programs<'_>) -> Result<Report> {
        match *self {
            Self::Upgrade { rounds } => upgrade::measure(&programs.server()?, rounds),
            Self::Listeners { rounds, listeners } => {
                listeners::measure(&programs.server()?, rounds, listeners)
            }
            Self::Chain { upgrades } => chain::measure(&programs.server()?, upgrades),
            Self::Http { rounds, round_ms } => {
                let round = Duration::from_millis(round_ms);
                http::measure(programs, http::Effort { rounds, round })
            }
            Self::Prove { rounds, round_s } => {
                prove::measure(programs, prove::Effort { rounds, round_s })
            }
            Self::Move { rounds, connections } => moves::measure(programs, rounds, connections),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::report::Goal;
    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: BenchOptions,
    }

    fn options(line: &str) -> BenchOptions {
        Line::try_parse_from(line.split(' ')).unwrap().options
    }

    fn report(measured: u64) -> Report {
        let goals = vec![Goal::growth("more", 0, measured, 5)];
        Report { bench: "some", how: String::new(), columns: vec![], rows: vec![], goals }
    }

    #[test]
    fn a_missed_goal_fails_only_if_that_is_asked_for() {
        for line in ["bench chain", "bench upgrade --json"] {
            assert!(options(line).accepts(&report(6)), "{line}");
        }
        for line in ["bench chain --check", "bench --check upgrade"] {
            assert!(!options(line).accepts(&report(6)), "{line}");
            assert!(options(line).accepts(&report(5)), "{line}");
        }
    }

    #[test]
    fn what_is_measured_is_what_was_promised_unless_told_otherwise() {
        let bench = options("bench listeners").bench;
        assert!(matches!(bench, Bench::Listeners { rounds: 20, listeners: 1000 }), "{bench:?}");
        let bench = options("bench upgrade").bench;
        assert!(matches!(bench, Bench::Upgrade { rounds: 20 }), "{bench:?}");
        let bench = options("bench http").bench;
        assert!(matches!(bench, Bench::Http { rounds: 20, round_ms: 400 }), "{bench:?}");
        let bench = options("bench prove").bench;
        assert!(matches!(bench, Bench::Prove { rounds: 8, round_s: 2 }), "{bench:?}");
        let bench = options("bench move").bench;
        assert!(matches!(bench, Bench::Move { connections: 10_000, .. }), "{bench:?}");
        let bench = options("bench chain --upgrades 7").bench;
        assert!(matches!(bench, Bench::Chain { upgrades: 7 }), "{bench:?}");
    }
}
