//! How long the answers of each group took over time.

use std::time::Duration;

use maud::{Markup, html as markup};

use crate::proof::timeline::Sample;
use crate::report::grid::Grid;
use crate::report::html::View;
use crate::report::html::plot::{self, Plot, levels, stretched};
use crate::report::html::table;
use crate::report::html::throughput::{caption, groups_left};
use crate::report::names;
use crate::report::scale::Scale;
use crate::report::words::{foreign, latency, moment, time};

const HEIGHT: u32 = 132;

/// A line of the chart.
struct Line {
    name: &'static str,
    class: &'static str,
    of: fn(&Sample) -> Duration,
}

const LINES: [Line; 4] = [
    Line { name: "p50", class: "p50", of: |sample| sample.p50 },
    Line { name: "p99", class: "p99", of: |sample| sample.p99 },
    Line { name: "p99.9", class: "p999", of: |sample| sample.p99_9 },
    Line { name: "longest", class: "longest", of: |sample| sample.longest },
];

pub(crate) fn chart(view: &View<'_>) -> Markup {
    let grid = &view.lines;
    let all = grid.groups.iter().flatten().flat_map(|sample| LINES.map(|line| line.us(sample)));
    // One scale for all groups, so that they can be compared by eye.
    let scale = Scale::logarithmic(all, HEIGHT);
    markup! {
        section #latency {
            h2 { "Latency" }
            p.note { (note(view)) (view.time.tail_note()) }
            (legend())
            div.chart {
                (view.time.flags())
                @for (place, samples) in grid.groups.iter().enumerate() {
                    (row(view, &scale, place, samples))
                }
                (view.time.labels())
            }
            (groups_left(view))
            (as_table(view))
        }
    }
}

fn note(view: &View<'_>) -> String {
    let step = time(view.lines.step);
    let exact = view.lines.step == view.proof.timeline.interval;
    let joined = if exact { "" } else { ": the highest of the intervals that are joined in it" };
    format!("Of the answers in each {step}{joined}. One logarithmic scale for all groups.")
}

fn legend() -> Markup {
    markup! {
        ul.legend {
            @for line in &LINES {
                li {
                    svg width="26" height="10" aria-hidden="true" {
                        path.(line.class) d="M1 5H25" {}
                    }
                    (line.name)
                }
            }
        }
    }
}

impl Line {
    fn us(&self, sample: &Sample) -> f64 {
        (self.of)(sample).as_secs_f64() * 1e6
    }
}

fn row(view: &View<'_>, scale: &Scale, place: usize, samples: &[Sample]) -> Markup {
    let [side, lines] = levels(scale, |us| tick(Duration::from_secs_f64(us / 1e6)));
    let inside = markup! {
        (lines)
        (stretched(HEIGHT, &markup! {
            // The longest goes first, so that the others are seen where lines meet.
            @for line in LINES.iter().rev() {
                path.(line.class) d=(path(&view.lines, scale, line, samples)) {}
            }
        }))
    };
    let group = view.proof.outcome.groups.get(place);
    let more = group.map_or_else(String::new, |group| {
        let all = &group.latency;
        let [p50, p99] = [50.0, 99.0].map(|percent| latency(all.percentile(percent)));
        format!("p50 {p50}, p99 {p99}, longest {}", latency(all.longest()))
    });
    let name = group.map_or_else(String::new, names::group);
    let label = format!("Latency of {}: {more}", foreign(&name));
    let plot = Plot { kind: "latency", index: place, label: &label, height: HEIGHT };
    markup! { (caption(group, &more)) (plot.draw(&side, &inside)) }
}

fn path(grid: &Grid, scale: &Scale, line: &Line, samples: &[Sample]) -> String {
    plot::line(samples.iter().enumerate().map(|(column, sample)| {
        let us = line.us(sample);
        (us > 0.0).then(|| (grid.middle(column), scale.y(us)))
    }))
}

/// A label of the scale: a round number.
fn tick(at: Duration) -> String {
    let us = at.as_secs_f64() * 1e6;
    if us < 999.5 {
        format!("{us:.0} µs")
    } else if us < 999_500.0 {
        format!("{:.0} ms", us / 1e3)
    } else {
        format!("{:.0} s", us / 1e6)
    }
}

fn as_table(view: &View<'_>) -> Markup {
    let grid = &view.rows;
    let groups = view.proof.outcome.groups.iter().take(grid.groups.len());
    let head = markup! {
        tr {
            th.number { "from" }
            @for group in groups {
                @for line in &LINES {
                    th.number { (foreign(&names::group(group))) " " (line.name) }
                }
            }
        }
    };
    let body = markup! {
        @for column in 0..grid.columns() {
            tr {
                td.number { (moment(grid.step.mul_f64(column as f64))) }
                @for sample in grid.groups.iter().filter_map(|it| it.get(column)) {
                    @for line in &LINES { td.number { (latency((line.of)(sample))) } }
                }
            }
        }
    };
    let label = format!("Latency of each {}, the highest of its intervals,", time(grid.step));
    table::folded(&label, &head, &body)
}
