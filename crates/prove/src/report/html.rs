//! A proof as one page: its head, its parts in their order, and what the page may do.

mod data;
mod failures;
mod glossary;
mod groups;
mod latencies;
mod noticed;
mod overview;
mod plot;
mod policy;
mod responders;
mod restarts;
mod table;
mod throughput;
mod time;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use self::data::Data;
use self::time::TimeAxis;
use crate::proof::Proof;
use crate::report::about::About;
use crate::report::grid::Grid;
use crate::report::judgement::Judgement;
use crate::report::words::foreign;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// How many groups are drawn; all of them are in the table of the groups, up to its own limit.
const GROUPS_DRAWN: usize = 24;
/// How many points all lines of one kind have together.
const POINTS: usize = 8_000;
/// How many points a line has at most.
const LINE_COLUMNS: usize = 1_200;
/// How many bars a chart has at most: so many can be told apart on a telephone.
const BAR_COLUMNS: usize = 240;
/// How many rows the table of a chart has at most.
const TABLE_ROWS: usize = 120;

/// A proof as one page of HTML that needs nothing else: no network, no file beside it, and no
/// script but its own, which only shows exact values where one points.
///
/// The page stays below 2 MB: where a proof holds more than that, the page says what it left out.
#[must_use]
pub fn html(proof: &Proof, about: &About) -> String {
    let judgement = Judgement::of(proof, &about.allowances);
    let view = View::new(proof);
    let data = Data::of(&view).to_json();
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy::of(STYLE, SCRIPT));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (foreign(&about.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (overview::head(proof, about, &judgement))
                    (charts(&view))
                    (groups::table(proof))
                    (restarts::table(proof))
                    (failures::table(proof))
                    (glossary::words())
                    footer { "Made by rekindle prove " (env!("CARGO_PKG_VERSION")) "." }
                }
                div id="tip" role="status" hidden {}
                script type="application/json" id="data" { (PreEscaped(data)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What the charts of a page are drawn from.
struct View<'a> {
    proof: &'a Proof,
    time: TimeAxis,
    /// For lines.
    lines: Grid,
    /// For bars.
    bars: Grid,
    /// For tables.
    rows: Grid,
}

impl<'a> View<'a> {
    fn new(proof: &'a Proof) -> Self {
        let groups = proof.timeline.groups.len().min(GROUPS_DRAWN);
        let columns = LINE_COLUMNS.min(POINTS / groups.max(1));
        Self {
            proof,
            time: TimeAxis::of(proof),
            lines: Grid::new(proof, groups, columns),
            bars: Grid::new(proof, usize::MAX, BAR_COLUMNS),
            rows: Grid::new(proof, groups, TABLE_ROWS),
        }
    }
}

fn charts(view: &View<'_>) -> Markup {
    markup! {
        (view.time.marks())
        (responders::chart(view))
        (throughput::chart(view))
        (noticed::chart(view))
        (latencies::chart(view))
    }
}

#[cfg(test)]
mod tests;
