//! What a bench found: a table for people, JSON for programs.

use std::fmt;

use serde::Serialize;

/// What a bench found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    /// How it was measured, in a sentence.
    pub(crate) how: String,
    /// What the values of the rows are of, in order.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) goals: Vec<Goal>,
}

/// One thing that was measured, in each column.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Who spends it, where that is a question.
    pub(crate) whose: &'static str,
    pub(crate) unit: &'static str,
    /// None where there is no such thing.
    pub(crate) values: Vec<Option<u64>>,
}

/// What we hold ourselves to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Goal {
    /// What must keep to the limit.
    pub(crate) name: String,
    pub(crate) bound: Bound,
    pub(crate) limit: f64,
    pub(crate) measured: f64,
    /// Between which values a half of the rounds was, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quartiles: Option<[f64; 2]>,
}

/// On which side of its limit a goal is met. On the limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bound {
    AtMost,
    AtLeast,
}

impl Report {
    /// Whether all goals are met.
    pub(crate) fn meets_goals(&self) -> bool {
        self.goals.iter().all(Goal::is_met)
    }
}

impl Goal {
    /// A goal for how much larger one value is than another.
    pub(crate) fn growth(name: impl Into<String>, from: u64, to: u64, limit: u32) -> Self {
        let measured = signed(to) - signed(from);
        Self::at_most(name, measured, f64::from(limit))
    }

    /// A goal for how many times another value a value is.
    pub(crate) fn ratio(name: impl Into<String>, of: u64, to: u64, limit: f64) -> Self {
        Self::at_most(name, signed(of) / signed(to), limit)
    }

    /// A goal for something that is better the less it is.
    pub(crate) fn at_most(name: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { name: name.into(), bound: Bound::AtMost, limit, measured, quartiles: None }
    }

    /// A goal for something that is better the more it is.
    pub(crate) fn at_least(name: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { name: name.into(), bound: Bound::AtLeast, limit, measured, quartiles: None }
    }

    /// The same goal, with how far the rounds differed.
    pub(crate) fn within(self, quartiles: [f64; 2]) -> Self {
        Self { quartiles: Some(quartiles), ..self }
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost => self.measured <= self.limit,
            Bound::AtLeast => self.measured >= self.limit,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no measured value comes near 2^52")]
fn signed(value: u64) -> f64 {
    value as f64
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}: {}\n", self.bench, self.how)?;
        write!(formatter, "{:20} {:12}", "", "")?;
        for column in &self.columns {
            write!(formatter, " {column:>16}")?;
        }
        writeln!(formatter)?;
        for row in &self.rows {
            write!(formatter, "{:20} {:12}", row.name, row.whose)?;
            for value in &row.values {
                let value = value.map_or_else(|| "-".into(), |it| format!("{it} {}", row.unit));
                write!(formatter, " {:>16}", value.trim_end())?;
            }
            writeln!(formatter)?;
        }
        writeln!(formatter)?;
        for goal in &self.goals {
            let verdict = if goal.is_met() { "met" } else { "MISSED" };
            let Goal { name, bound, limit, measured, quartiles } = goal;
            let bound = match bound {
                Bound::AtMost => "at most",
                Bound::AtLeast => "at least",
            };
            write!(formatter, "goal {verdict}: {name}: {measured:.2}")?;
            if let Some([low, high]) = quartiles {
                write!(formatter, " (half of the rounds: {low:.2} to {high:.2})")?;
            }
            writeln!(formatter, ", {bound} {limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            bench: "upgrade",
            how: "medians over 20".into(),
            columns: vec!["upgrade".into(), "floor".into()],
            rows: vec![Row {
                name: "hear".into(),
                whose: "old",
                unit: "µs",
                values: vec![Some(12), None],
            }],
            goals: vec![Goal::ratio("times the floor", 13, 10, 1.3)],
        }
    }

    #[test]
    fn people_read_a_table() {
        let expected = "\
upgrade: medians over 20

                                           upgrade            floor
hear                 old                     12 µs                -

goal met: times the floor: 1.30, at most 1.3
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn how_far_the_rounds_differed_is_beside_the_goal() {
        let mut report = report();
        let goal = report.goals.remove(0).within([1.25, 1.354]);
        report.goals.push(goal);
        let line = "times the floor: 1.30 (half of the rounds: 1.25 to 1.35), at most 1.3\n";
        assert!(report.to_string().ends_with(line), "{report}");
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["goals"][0]["quartiles"], serde_json::json!([1.25, 1.354]));
    }

    #[test]
    fn programs_read_the_same() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["rows"][0]["values"], serde_json::json!([12, null]));
        assert_eq!(json["goals"][0]["limit"], serde_json::json!(1.3));
        assert_eq!(json["goals"][0]["bound"], "at-most");
        assert_eq!(json["columns"][1], "floor");
    }

    #[test]
    fn goals_are_limits_and_the_limit_meets_them() {
        assert!(Goal::growth("bytes", 100, 110, 10).is_met());
        assert!(!Goal::growth("bytes", 100, 111, 10).is_met());
        assert!(Goal::growth("bytes", 100, 50, 0).is_met(), "less is no growth");
        assert!(Goal::ratio("times", 13, 10, 1.3).is_met());
        assert!(!Goal::ratio("times", 14, 10, 1.3).is_met());
        assert!(!Goal::ratio("times", 0, 0, 1.3).is_met(), "nothing measured meets nothing");
        assert!(Goal::at_least("times", 0.97, 0.97).is_met());
        assert!(!Goal::at_least("times", 0.96, 0.97).is_met());
        assert!(!Goal::at_least("times", f64::NAN, 0.97).is_met(), "nor does it this way");
    }

    #[test]
    fn one_missed_goal_is_enough() {
        let mut report = report();
        assert!(report.meets_goals());
        report.goals.push(Goal::growth("descriptors", 10, 11, 0));
        assert!(!report.meets_goals());
        assert!(report.to_string().contains("MISSED: descriptors: 1.00, at most 0"), "{report}");
    }
}
