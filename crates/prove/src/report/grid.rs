//! The timeline of a proof in no more columns than a page can hold. Owns how intervals are joined;
//! refuses to draw.

use std::time::Duration;

use crate::proof::Proof;
use crate::proof::timeline::{Sample, Timeline};

/// The timeline, with as many intervals joined in a column as it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grid {
    /// How long a column is; the last one may be cut short.
    pub(crate) step: Duration,
    /// How long the whole is.
    pub(crate) span: Duration,
    /// For each group its columns. Counters of joined intervals are added up; of each percentile it
    /// is the highest, since no exact one can be had from those of parts.
    pub(crate) groups: Vec<Vec<Sample>>,
}

impl Grid {
    /// The timeline of the first `groups` groups in at most `columns` columns.
    pub(crate) fn new(proof: &Proof, groups: usize, columns: usize) -> Self {
        let Timeline { interval, groups: samples } = &proof.timeline;
        let intervals = samples.iter().map(Vec::len).max().unwrap_or_default();
        let joined = intervals.div_ceil(columns.max(1)).max(1);
        let join = |samples: &Vec<Sample>| samples.chunks(joined).map(self::join).collect();
        Self {
            step: *interval * u32::try_from(joined).unwrap_or(u32::MAX),
            span: proof.outcome.elapsed.max(Duration::from_millis(1)),
            groups: samples.iter().take(groups).map(join).collect(),
        }
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.groups.iter().map(Vec::len).max().unwrap_or_default()
    }

    /// Where a column begins, as a share of the whole.
    pub(crate) fn begin(&self, column: usize) -> f64 {
        self.share(self.step.mul_f64(column as f64))
    }

    /// How long a column is.
    pub(crate) fn length(&self, column: usize) -> Duration {
        let begin = self.step.mul_f64(column as f64);
        let length = self.span.saturating_sub(begin).min(self.step);
        // What was counted after the end has a moment too.
        if length.is_zero() { self.step } else { length }
    }

    /// Where the middle of a column is, as a share of the whole.
    pub(crate) fn middle(&self, column: usize) -> f64 {
        let begin = self.step.mul_f64(column as f64);
        self.share(begin + self.length(column) / 2)
    }

    /// How often a second this number within a column is.
    pub(crate) fn rate(&self, column: usize, count: u64) -> f64 {
        count as f64 / self.length(column).as_secs_f64().max(1e-6)
    }

    /// A moment as a share of the whole.
    pub(crate) fn share(&self, at: Duration) -> f64 {
        share(at, self.span)
    }
}

/// A moment as a share of the whole.
pub(crate) fn share(at: Duration, span: Duration) -> f64 {
    (at.as_secs_f64() / span.as_secs_f64()).clamp(0.0, 1.0)
}

fn join(samples: &[Sample]) -> Sample {
    let mut joined = Sample::default();
    for sample in samples {
        joined.tally += sample.tally;
        joined.p50 = joined.p50.max(sample.p50);
        joined.p99 = joined.p99.max(sample.p99);
        joined.p99_9 = joined.p99_9.max(sample.p99_9);
        joined.longest = joined.longest.max(sample.longest);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    type Of = fn(&Sample) -> Duration;
    const PERCENTILES: [(Of, &str); 4] = [
        (|sample| sample.p50, "p50"),
        (|sample| sample.p99, "p99"),
        (|sample| sample.p99_9, "p99.9"),
        (|sample| sample.longest, "longest"),
    ];

    #[test]
    fn joining_loses_no_count_and_hides_no_peak() {
        let proof = fixture::rich();
        let whole = Grid::new(&proof, usize::MAX, usize::MAX);
        for columns in [1, 7, 120, 240] {
            let grid = Grid::new(&proof, usize::MAX, columns);
            assert!(grid.columns() <= columns && grid.columns() * 2 > columns, "{columns}");
            for (joined, exact) in grid.groups.iter().zip(&whole.groups) {
                let answered = |samples: &[Sample]| -> u64 {
                    samples.iter().map(|sample| sample.tally.answered).sum()
                };
                assert_eq!(answered(joined), answered(exact));
                for (of, what) in PERCENTILES {
                    let parts = exact.chunks(exact.len().div_ceil(columns).max(1));
                    let highest = parts.map(|part| part.iter().map(of).max().unwrap());
                    assert!(joined.iter().map(of).eq(highest), "{what} in {columns} columns");
                }
            }
        }
        assert_eq!(whole.step, proof.timeline.interval);
    }

    #[test]
    fn a_column_that_is_cut_short_has_its_own_length() {
        let mut proof = fixture::rich();
        proof.outcome.elapsed = proof.timeline.interval * 9 + Duration::from_millis(25);
        let grid = Grid::new(&proof, 1, usize::MAX);
        assert_eq!(grid.length(0), proof.timeline.interval);
        assert_eq!(grid.length(9), Duration::from_millis(25));
        assert!((grid.rate(9, 5) - 200.0).abs() < 1e-6);
        assert!(grid.middle(9) < 1.0 && grid.middle(9) > grid.begin(9));
        assert_eq!(grid.length(50), grid.step, "after the end");
    }

    #[test]
    fn nothing_is_a_grid_too() {
        let grid = Grid::new(&fixture::empty(), 10, 10);
        assert_eq!((grid.columns(), grid.begin(0)), (0, 0.0));
    }
}
