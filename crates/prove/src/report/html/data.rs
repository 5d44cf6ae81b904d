//! The numbers of the charts, for the script that shows them where one points.

use serde::Serialize;

use crate::account::micros::saturating;
use crate::proof::restart_outcome::{RestartOutcome, RestartState};
use crate::proof::timeline::Sample;
use crate::report::grid::Grid;
use crate::report::html::View;
use crate::report::html::noticed;
use crate::report::html::responders::{self, BANDS};
use crate::report::names;
use crate::report::words::foreign;

/// How many restarts are shown where one points. The page says elsewhere that of so many not all
/// are marked, and how many have no row.
const RESTARTS: usize = 1_200;

/// All numbers, times in microseconds. Rows are groups or kinds, columns are intervals.
#[derive(Debug, Serialize)]
pub(crate) struct Data {
    span: u64,
    step: u64,
    answered: Vec<Vec<u64>>,
    p50: Vec<Vec<u64>>,
    p99: Vec<Vec<u64>>,
    p999: Vec<Vec<u64>>,
    longest: Vec<Vec<u64>>,
    bar_step: u64,
    kinds: Vec<Kind>,
    bands: Vec<Band>,
    restarts: Vec<Restart>,
}

/// A kind of failure: in which columns it was noticed, and how often in each.
#[derive(Debug, Serialize)]
struct Kind {
    name: &'static str,
    hits: Vec<(usize, u64)>,
}

/// A process.
#[derive(Debug, Serialize)]
struct Band {
    name: String,
    first: u64,
    last: u64,
}

/// A restart; it is under way until a new process answers.
#[derive(Debug, Serialize)]
struct Restart {
    number: u32,
    at: u64,
    until: u64,
    state: &'static str,
}

impl Data {
    pub(crate) fn of(view: &View<'_>) -> Self {
        let grid = &view.lines;
        Self {
            span: saturating(grid.span),
            step: saturating(grid.step),
            answered: columns(grid, |sample| sample.tally.answered),
            p50: columns(grid, |sample| saturating(sample.p50)),
            p99: columns(grid, |sample| saturating(sample.p99)),
            p999: columns(grid, |sample| saturating(sample.p99_9)),
            longest: columns(grid, |sample| saturating(sample.longest)),
            bar_step: saturating(view.bars.step),
            kinds: noticed::kinds(view).iter().map(kind).collect(),
            bands: bands(view),
            restarts: restarts(view),
        }
    }

    /// As JSON in which nothing can end the element that it is in.
    pub(crate) fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and texts are JSON");
        json.replace('<', "\\u003c")
    }
}

fn columns(grid: &Grid, of: fn(&Sample) -> u64) -> Vec<Vec<u64>> {
    grid.groups.iter().map(|samples| samples.iter().map(of).collect()).collect()
}

fn kind(kind: &noticed::Kind) -> Kind {
    let hits = kind.columns.iter().copied().enumerate().filter(|(_, number)| *number > 0);
    Kind { name: kind.total.name, hits: hits.collect() }
}

fn bands(view: &View<'_>) -> Vec<Band> {
    let known = responders::bands::of(view.proof);
    known
        .iter()
        .take(BANDS)
        .map(|band| Band {
            name: foreign(&names::responder(&band.responder)),
            first: saturating(band.first),
            last: saturating(band.last),
        })
        .collect()
}

fn restarts(view: &View<'_>) -> Vec<Restart> {
    let restart = |restart: &RestartOutcome| Restart {
        number: restart.number,
        at: saturating(restart.at),
        until: saturating(restart.change.as_ref().map_or(restart.at + restart.took, |it| it.at)),
        state: match restart.state {
            RestartState::Changed => "under way",
            other => names::state(other),
        },
    };
    view.proof.restarts.iter().take(RESTARTS).map(restart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn no_name_ends_the_element_that_the_numbers_are_in() {
        let proof = fixture::quiet();
        let mut data = Data::of(&View::new(&proof));
        data.bands[0].name = "</script><!--<script>".to_owned();
        let json = data.to_json();
        assert!(!json.contains('<'), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["bands"][0]["name"], "</script><!--<script>");
    }

    #[test]
    fn every_number_of_the_timeline_is_there() {
        let proof = fixture::rich();
        let json = Data::of(&View::new(&proof)).to_json();
        let data: serde_json::Value = serde_json::from_str(&json).unwrap();
        for (group, samples) in proof.timeline.groups.iter().enumerate() {
            for (place, sample) in samples.iter().enumerate() {
                assert_eq!(data["answered"][group][place], sample.tally.answered);
                assert_eq!(data["longest"][group][place], saturating(sample.longest));
            }
        }
        let hits = data["kinds"].as_array().unwrap().iter();
        let noticed: u64 = hits
            .flat_map(|kind| kind["hits"].as_array().unwrap())
            .map(|hit| hit[1].as_u64().unwrap())
            .sum();
        assert_eq!(noticed, proof.outcome.tally.noticed());
        assert_eq!(data["restarts"][6]["state"], "no new process in time");
    }
}
