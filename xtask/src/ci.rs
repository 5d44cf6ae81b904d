//! `cargo xtask ci`: the steps in their order, up to the first that fails, and a summary.

mod audit;
mod fuzz;
mod reports;
mod step;
mod summary;

use std::time::Instant;

use anyhow::Result;
use clap::Args;

pub(crate) use self::step::Step;
use self::summary::{Record, Summary};
use crate::outcome::Outcome;
use crate::repository::Repository;

/// What `cargo xtask ci` takes.
#[derive(Debug, Args)]
pub(crate) struct CiOptions {
    /// Say what the steps are, and run none
    #[arg(long)]
    list: bool,
}

/// Runs all steps, or says what they are. Returns whether all is well.
pub(crate) fn run(repository: &Repository, options: &CiOptions) -> Result<bool> {
    if options.list {
        for step in Step::ALL {
            println!("{:8} {}", step.name(), step.about());
        }
        return Ok(true);
    }
    let summary = run_steps(&Step::ALL, |step| step.run(repository))?;
    print!("\n{summary}");
    if let Some(directory) = reports::kept() {
        println!("kept: reports of trials, and pictures of them, in {}", directory.display());
    }
    Ok(summary.passed())
}

/// Runs one step. Returns whether it passed.
pub(crate) fn run_alone(repository: &Repository, step: Step) -> Result<bool> {
    let outcome = step.run(repository)?;
    println!("{}: {outcome}", step.name());
    Ok(outcome.passed())
}

/// Runs the steps up to the first that fails.
fn run_steps(steps: &[Step], mut run: impl FnMut(Step) -> Result<Outcome>) -> Result<Summary> {
    let mut summary = Summary::default();
    for &step in steps {
        if !summary.passed() {
            summary.add(Record::NotRun(step));
            continue;
        }
        println!("\n== {}: {}", step.name(), step.about());
        let start = Instant::now();
        let outcome = run(step)?;
        let took = start.elapsed();
        println!("== {}: {outcome} ({:.1} s)", step.name(), took.as_secs_f64());
        summary.add(Record::Ran { step, outcome, took });
    }
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn all_steps_run_in_order_if_none_fails() {
        let mut ran = Vec::new();
        let summary = run_steps(&Step::ALL, |step| {
            ran.push(step);
            Ok(Outcome::Passed)
        });
        assert_eq!(ran, Step::ALL);
        assert!(summary.unwrap().passed());
    }

    #[test]
    fn none_runs_after_the_first_that_fails() {
        let mut ran = Vec::new();
        let steps = [Step::Format, Step::Clippy, Step::Test, Step::Tidy];
        let summary = run_steps(&steps, |step| {
            ran.push(step);
            let failed = step == Step::Clippy;
            Ok(if failed { Outcome::failed("a lint") } else { Outcome::Passed })
        });
        assert_eq!(ran, [Step::Format, Step::Clippy]);
        let summary = summary.unwrap();
        assert!(!summary.passed());
        assert_eq!(summary.to_string().matches("not run").count(), 2, "{summary}");
    }

    #[test]
    fn a_skipped_step_does_not_stop_the_others() {
        let steps = [Step::Fuzz, Step::Tidy];
        let mut ran = 0;
        let summary = run_steps(&steps, |_| {
            ran += 1;
            Ok(Outcome::skipped("no tool"))
        });
        assert!(summary.unwrap().passed());
        assert_eq!(ran, 2);
    }

    #[test]
    fn a_step_that_cannot_be_run_is_an_error() {
        let result = run_steps(&[Step::Format], |_| bail!("run `cargo`"));
        assert_eq!(result.unwrap_err().to_string(), "run `cargo`");
    }
}
