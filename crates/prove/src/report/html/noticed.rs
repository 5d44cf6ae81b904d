//! What clients noticed over time: a row of bars for each kind.

use maud::{Markup, html as markup};

use crate::account::tally::Tally;
use crate::report::counters::{self, Named};
use crate::report::grid::Grid;
use crate::report::html::View;
use crate::report::html::plot::{self, Plot, stretched};
use crate::report::html::table;
use crate::report::words::{count, moment, time};

const HEIGHT: u32 = 34;
/// How high the bar of a single one is, at least: none is too few to be seen.
const LEAST: f64 = 5.0;

pub(crate) fn chart(view: &View<'_>) -> Markup {
    let kinds = kinds(view);
    let grid = &view.bars;
    markup! {
        section #noticed {
            h2 { "What clients noticed" }
            @if kinds.is_empty() {
                p.note { "Nothing: no failure of any kind, at no time." }
            } @else {
                p.note {
                    "How many in each " (time(grid.step))
                    ", of all groups. Each kind has a scale of its own, a logarithmic one."
                    (view.time.tail_note())
                }
                div.chart {
                    (view.time.flags())
                    @for (place, kind) in kinds.iter().enumerate() { (row(grid, place, kind)) }
                    (view.time.labels())
                }
                (as_table(grid, &kinds))
            }
        }
    }
}

/// A kind that was noticed, and how often in each column.
pub(crate) struct Kind {
    pub(crate) total: Named,
    pub(crate) columns: Vec<u64>,
}

/// The kinds that were noticed at all.
pub(crate) fn kinds(view: &View<'_>) -> Vec<Kind> {
    let grid = &view.bars;
    let columns: Vec<Vec<Named>> = (0..grid.columns()).map(|at| named(&sum(grid, at))).collect();
    let totals = named(&view.proof.outcome.tally).into_iter().enumerate();
    let noticed = totals.filter(|(_, total)| total.count > 0);
    noticed
        .map(|(place, total)| Kind {
            total,
            columns: columns.iter().map(|column| column[place].count).collect(),
        })
        .collect()
}

fn sum(grid: &Grid, column: usize) -> Tally {
    let mut tally = Tally::default();
    grid.groups.iter().filter_map(|it| it.get(column)).for_each(|sample| tally += sample.tally);
    tally
}

fn named(tally: &Tally) -> Vec<Named> {
    counters::noticed(tally).into_iter().chain([counters::unmeasured(tally)]).collect()
}

fn row(grid: &Grid, place: usize, kind: &Kind) -> Markup {
    let most = kind.columns.iter().copied().max().unwrap_or_default();
    let highest = f64::from(HEIGHT) - 4.0;
    let mut path = String::new();
    for (column, number) in kind.columns.iter().enumerate().filter(|(_, number)| **number > 0) {
        let share = (*number as f64).ln_1p() / (most as f64).ln_1p();
        let height = LEAST + (highest - LEAST) * if most == 1 { 0.5 } else { share };
        let (from, until) = (grid.begin(column), grid.begin(column + 1));
        plot::bar(&mut path, from, until, f64::from(HEIGHT), height);
    }
    let more =
        format!("{}, at most {} in {}", count(kind.total.count), count(most), time(grid.step));
    let inside = markup! {
        line.level x1="0" y1=(HEIGHT) x2="100%" y2=(HEIGHT) {}
        (stretched(HEIGHT, &markup! { path.bars d=(path) {} }))
    };
    let side = markup! { text x="100%" y="12" dx="-8" { (count(most)) } };
    let label = format!("{}: {more}", kind.total.name);
    let plot = Plot { kind: "noticed", index: place, label: &label, height: HEIGHT };
    markup! {
        div.caption {
            h3 { (kind.total.name) }
            span.request { (kind.total.meaning) }
            span.more { (more) }
        }
        (plot.draw(&side, &inside))
    }
}

fn as_table(grid: &Grid, kinds: &[Kind]) -> Markup {
    let head = markup! {
        tr { th.number { "from" } @for kind in kinds { th.number { (kind.total.name) } } }
    };
    let any = |column: &usize| kinds.iter().any(|kind| kind.columns[*column] > 0);
    let body = markup! {
        @for column in (0..grid.columns()).filter(any) {
            tr {
                td.number { (moment(grid.step.mul_f64(column as f64))) }
                @for kind in kinds { td.number { (count(kind.columns[column])) } }
            }
        }
    };
    let label = format!("What was noticed in each {}", time(grid.step));
    table::folded(&label, &head, &body)
}
