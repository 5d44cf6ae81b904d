//! The account of one restart: what was counted from it to the next. Refuses to count.

use std::time::Duration;

use serde::Serialize;

use crate::account::outcome::Outcome;
use crate::account::tally::Tally;

/// What was counted between two restarts. What was under way when a restart began is counted where
/// it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Window {
    /// The restart that it begins with, from 1; 0 for the time before the first.
    pub restart: u32,
    /// When it began, since the start of the load.
    #[serde(rename = "from_us", serialize_with = "crate::account::micros::serialize")]
    pub from: Duration,
    /// When it ended.
    #[serde(rename = "until_us", serialize_with = "crate::account::micros::serialize")]
    pub until: Duration,
    /// The counters of all groups.
    pub tally: Tally,
    /// The counters of each group, in the order of the plan.
    pub groups: Vec<Tally>,
}

/// What each group had counted when each restart began.
#[derive(Debug)]
pub(crate) struct Marks(Vec<Mark>);

#[derive(Debug)]
struct Mark {
    at: Duration,
    groups: Vec<Tally>,
}

impl Marks {
    /// None yet but the start, at which so many groups had counted nothing.
    pub(crate) fn new(groups: usize) -> Self {
        Self(vec![Mark { at: Duration::ZERO, groups: vec![Tally::default(); groups] }])
    }

    /// A restart begins.
    pub(crate) fn add(&mut self, at: Duration, groups: Vec<Tally>) {
        self.0.push(Mark { at, groups });
    }

    /// What was counted from each mark to the next, and from the last to the end.
    ///
    /// # Panics
    /// If the windows do not add up to the outcome, which is a mistake in this crate.
    pub(crate) fn into_windows(mut self, outcome: &Outcome) -> Vec<Window> {
        let groups = outcome.groups.iter().map(|group| group.tally).collect();
        self.add(outcome.elapsed, groups);
        let pairs = self.0.windows(2).zip(0..);
        let windows: Vec<_> = pairs.map(|(pair, number)| window(number, pair)).collect();
        let mut sum = Tally::default();
        windows.iter().for_each(|window| sum += window.tally);
        assert_eq!(sum, outcome.tally, "all that is counted is counted in one window");
        windows
    }
}

fn window(restart: u32, pair: &[Mark]) -> Window {
    let (begin, end) = (&pair[0], &pair[1]);
    let each = end.groups.iter().zip(&begin.groups);
    let groups: Vec<_> = each.map(|(end, begin)| end.since(begin)).collect();
    let mut tally = Tally::default();
    groups.iter().for_each(|group| tally += *group);
    Window { restart, from: begin.at, until: end.at, tally, groups }
}
