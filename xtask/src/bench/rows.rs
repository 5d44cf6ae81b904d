//! Timelines as the rows of a table: the whole, and what of it is whose.

use anyhow::{Context, Result};

use super::median::median;
use super::report::Row;
use super::timeline::{PARTS, Timeline};

const NS_PER_US: u64 = 1_000;

/// A row for the whole and one for each part, in microseconds, with the medians of each column.
pub(crate) fn rows(columns: &[&[Timeline]]) -> Result<Vec<Row>> {
    let totals = columns.iter().map(|timelines| total_us(timelines).map(Some));
    let values = totals.collect::<Result<_>>()?;
    let mut rows = vec![Row { name: "the whole".into(), whose: "", unit: "µs", values }];
    for part in &PARTS {
        let of = |timelines: &&[Timeline]| {
            median(timelines.iter().filter_map(|timeline| timeline.part_ns(part)))
                .map(|ns| ns / NS_PER_US)
        };
        let values = columns.iter().map(of).collect();
        rows.push(Row { name: part.name.into(), whose: part.whose, unit: "µs", values });
    }
    Ok(rows)
}

/// The median of the whole, in microseconds.
pub(crate) fn total_us(timelines: &[Timeline]) -> Result<u64> {
    let total = median(timelines.iter().filter_map(Timeline::total_ns));
    total.map(|ns| ns / NS_PER_US).context("measure anything: there were no rounds")
}

#[cfg(test)]
mod tests {
    use super::super::moment::Moment;
    use super::*;

    fn timeline(main_ns: u64, answered_ns: u64) -> Timeline {
        let mut timeline = Timeline::default();
        timeline.note(Moment::Begun, 0);
        timeline.note(Moment::Main, main_ns);
        timeline.note(Moment::Answered, answered_ns);
        timeline
    }

    #[test]
    fn each_row_has_the_median_of_each_column() {
        let one = [timeline(1_000, 9_000), timeline(2_000, 8_000), timeline(3_000, 70_000)];
        let other = [timeline(5_000, 6_000)];
        let rows = rows(&[&one, &other]).unwrap();
        assert_eq!(rows.len(), 1 + PARTS.len());
        assert_eq!(rows[0].values, [Some(9), Some(6)]);
        assert_eq!(
            (rows[1].name.as_str(), &rows[1].values[..]),
            ("hear the signal", &[None, None][..])
        );
        assert_eq!(rows[2].values, [Some(2), Some(5)]);
    }

    #[test]
    fn no_rounds_are_an_error() {
        assert!(total_us(&[]).is_err());
        assert!(rows(&[&[]]).is_err());
    }
}
