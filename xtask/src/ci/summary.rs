//! What CI says at its end.

use std::fmt;
use std::time::Duration;

use super::Step;
use crate::outcome::Outcome;

/// What became of one step.
#[derive(Debug)]
pub(super) enum Record {
    Ran { step: Step, outcome: Outcome, took: Duration },
    NotRun(Step),
}

/// What became of all steps.
#[derive(Debug, Default)]
pub(super) struct Summary {
    records: Vec<Record>,
}

impl Summary {
    pub(super) fn add(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Whether no step has failed.
    pub(super) fn passed(&self) -> bool {
        self.records.iter().all(|record| match record {
            Record::Ran { outcome, .. } => outcome.passed(),
            Record::NotRun(_) => false,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut total = Duration::ZERO;
        for record in &self.records {
            match record {
                Record::Ran { step, outcome, took } => {
                    total += *took;
                    let (name, seconds) = (step.name(), took.as_secs_f64());
                    writeln!(formatter, "{name:8} {seconds:7.1} s  {outcome}")?;
                }
                Record::NotRun(step) => {
                    writeln!(formatter, "{:8} {:>9}  not run", step.name(), "-")?;
                }
            }
        }
        let verdict = if self.passed() { "passed" } else { "FAILED" };
        writeln!(formatter, "{:8} {:7.1} s  {verdict}", "ci", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(step: Step, outcome: Outcome, took_ms: u64) -> Record {
        Record::Ran { step, outcome, took: Duration::from_millis(took_ms) }
    }

    #[test]
    fn it_says_what_ran_how_long_and_how_it_ended() {
        let mut summary = Summary::default();
        summary.add(ran(Step::Format, Outcome::Passed, 1_500));
        summary.add(ran(Step::Clippy, Outcome::failed("see above"), 61_000));
        summary.add(Record::NotRun(Step::Test));
        let expected = "\
format       1.5 s  passed
clippy      61.0 s  FAILED: see above
test             -  not run
ci          62.5 s  FAILED
";
        assert_eq!(summary.to_string(), expected);
        assert!(!summary.passed());
    }

    #[test]
    fn nothing_failed_is_passed() {
        let mut summary = Summary::default();
        summary.add(ran(Step::Fuzz, Outcome::skipped("no tool"), 10));
        assert!(summary.passed());
        assert!(summary.to_string().ends_with("ci           0.0 s  passed\n"), "{summary}");
    }
}
