//! How many answers a second each group got over time.

use maud::{Markup, html as markup};

use crate::account::outcome::GroupOutcome;
use crate::proof::timeline::Sample;
use crate::report::grid::Grid;
use crate::report::html::View;
use crate::report::html::plot::{self, Plot, WIDTH, levels, stretched};
use crate::report::html::table;
use crate::report::names;
use crate::report::scale::Scale;
use crate::report::words::{count, foreign, moment, time};

const HEIGHT: u32 = 84;

pub(crate) fn chart(view: &View<'_>) -> Markup {
    let grid = &view.lines;
    markup! {
        section #throughput {
            h2 { "Throughput" }
            p.note {
                "Right answers a second in each " (time(grid.step))
                ". Each group has a scale of its own, from zero."
                (view.time.tail_note())
            }
            div.chart {
                (view.time.flags())
                @for (place, samples) in grid.groups.iter().enumerate() {
                    (row(view, place, samples))
                }
                (view.time.labels())
            }
            (groups_left(view))
            (as_table(view))
        }
    }
}

/// How many groups have no line of their own.
pub(crate) fn groups_left(view: &View<'_>) -> Markup {
    let left = view.proof.timeline.groups.len() - view.lines.groups.len();
    table::more(left as u64, "group", "groups")
}

/// What stands above the line of a group.
pub(crate) fn caption(group: Option<&GroupOutcome>, more: &str) -> Markup {
    markup! {
        div.caption {
            @if let Some(group) = group {
                h3 { (foreign(&names::group(group))) }
                span.request { (foreign(&group.request)) }
            }
            span.more { (more) }
        }
    }
}

fn row(view: &View<'_>, place: usize, samples: &[Sample]) -> Markup {
    let grid = &view.lines;
    let rates: Vec<_> = rates(grid, samples).collect();
    let scale = Scale::linear(rates.iter().copied(), HEIGHT);
    let group = view.proof.outcome.groups.get(place);
    let answered: u64 = samples.iter().map(|sample| sample.tally.answered).sum();
    let mean = view.proof.outcome.per_second(answered);
    let peak = rates.iter().copied().fold(0.0, f64::max);
    let more = format!("mean {}, highest {}", per_second(mean), per_second(peak));
    let columns = rates.iter().enumerate().map(|(at, rate)| (grid.begin(at), scale.y(*rate)));
    let path = plot::steps(columns);
    let [side, lines] = levels(&scale, short);
    let inside = markup! {
        (lines)
        (stretched(HEIGHT, &markup! {
            @if !path.is_empty() {
                path.fill d={(path) "V" (HEIGHT) "H0z"} {}
                path.rate d=(path) {}
            }
        }))
    };
    let name = group.map_or_else(String::new, names::group);
    let label = format!("Throughput of {}: {more}", foreign(&name));
    let plot = Plot { kind: "rate", index: place, label: &label, height: HEIGHT };
    debug_assert!(path.len() < 16 * WIDTH as usize * 2, "a path stays small");
    markup! { (caption(group, &more)) (plot.draw(&side, &inside)) }
}

fn rates(grid: &Grid, samples: &[Sample]) -> impl Iterator<Item = f64> {
    samples.iter().enumerate().map(|(place, sample)| grid.rate(place, sample.tally.answered))
}

fn per_second(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{}/s", count(rate.round() as u64)) }
}

/// A label of the scale.
fn short(rate: f64) -> String {
    if rate >= 1e6 {
        format!("{}M/s", rate / 1e6)
    } else if rate >= 1e3 {
        format!("{}k/s", rate / 1e3)
    } else if rate > 0.0 {
        format!("{}/s", (rate * 1e3).round() / 1e3)
    } else {
        "0".to_owned()
    }
}

fn as_table(view: &View<'_>) -> Markup {
    let grid = &view.rows;
    let groups = view.proof.outcome.groups.iter().take(grid.groups.len());
    let head = markup! {
        tr {
            th.number { "from" }
            @for group in groups { th.number { (foreign(&names::group(group))) } }
        }
    };
    let body = markup! {
        @for column in 0..grid.columns() {
            tr {
                td.number { (moment(grid.step.mul_f64(column as f64))) }
                @for samples in &grid.groups {
                    td.number {
                        (per_second(grid.rate(column, samples.get(column).map_or(0, |sample| {
                            sample.tally.answered
                        }))))
                    }
                }
            }
        }
    };
    let label = format!("Throughput of each {}", time(grid.step));
    table::folded(&label, &head, &body)
}
