//! Which process answered when: a band for each, from its first answer to its last. If no answer
//! told, which process held the listener.

pub(crate) mod bands;

use maud::{Markup, html as markup};

use self::bands::Band;
use crate::account::generation::GenerationOutcome;
use crate::report::html::View;
use crate::report::html::plot::{Plot, percent};
use crate::report::html::table;
use crate::report::names;
use crate::report::words::{count, counted, moment};

/// How many bands are drawn.
pub(crate) const BANDS: usize = 1_200;
/// How many rows the table of the processes has.
const ROWS: usize = 300;
/// How many bands are drawn one below the other.
const LANES: usize = 24;
const LANE: u32 = 22;
const TONES: u64 = 2;
/// The least share of the width at which a band has its number in it, and that can be seen.
const LABELLED: f64 = 0.04;
const LEAST: f64 = 0.002;

pub(crate) fn chart(view: &View<'_>) -> Markup {
    let known = bands::named(view.proof);
    let others = view.proof.outcome.answered_by_others;
    let bands = bands::of(view.proof);
    markup! {
        section #responders {
            h2 { "Who answered" }
            @if bands.is_empty() {
                p.note { "No answer said which process gave it." }
            } @else {
                p.note {
                    @if known.is_empty() {
                        "No answer said which process gave it. A band for each new process that \
                         was seen by /proc to hold the listener, from then to the next; the one \
                         before may have held it beside that one. Dashed lines are restarts; \
                         shaded is the time from the asking until the new process was seen to \
                         hold it."
                    } @else {
                        "A band for each process, from its first answer to its last. Dashed lines \
                         are restarts; shaded is the time from the asking to the first answer of \
                         the new process."
                    }
                    @if view.time.leaves_out() {
                        " Not all restarts are marked: there are too many."
                    }
                    (view.time.tail_note())
                }
                (draw(view, &bands))
                @if known.is_empty() { (seen(&bands)) } @else { (as_table(known)) }
                @if others > 0 {
                    p.note {
                        (counted(others, "answer", "answers")) " named more processes than these."
                    }
                }
            }
        }
    }
}

fn draw(view: &View<'_>, known: &[Band]) -> Markup {
    let lanes = lanes(known);
    let left = lanes.iter().filter(|lane| lane.is_none()).count() as u64;
    let height = LANE * lanes.iter().flatten().max().map_or(1, |lane| *lane as u32 + 1) + 6;
    let bands = markup! {
        @for (process, lane) in known.iter().zip(&lanes) {
            @if let Some(lane) = lane { (band(view, process, *lane)) }
        }
    };
    let label = format!("Which of {} processes answered when", known.len());
    let plot = Plot { kind: "bands", index: 0, label: &label, height };
    markup! {
        div.chart {
            (view.time.flags())
            (plot.draw(&markup! {}, &bands))
            (view.time.labels())
        }
        (table::more(left, "band", "bands"))
    }
}

fn band(view: &View<'_>, process: &Band, lane: usize) -> Markup {
    let (from, until) = (view.lines.share(process.first), view.lines.share(process.last));
    let width = (until - from).max(LEAST);
    let generation = process.responder.generation;
    let tone = format!("tone{}", generation % TONES);
    let (x, y) = (percent(from), 4 + lane as u32 * LANE);
    let (width, height) = (percent(width), LANE - 4);
    markup! {
        @if until - from < LABELLED {
            rect.band.(tone) x=(x) y=(y) width=(width) height=(height) rx="3" {}
        } @else {
            svg x=(x) y=(y) width=(width) height=(height) {
                rect.band.(tone) width="100%" height="100%" rx="4" {}
                (number(generation, until - from))
            }
        }
    }
}

/// The generation, as long as the band has room for.
fn number(generation: u64, share: f64) -> Markup {
    markup! {
        @if share >= 0.13 {
            text.wide x="8" y="13" { "generation " (generation) }
            text.narrow x="6" y="13" { (generation) }
        } @else {
            text.wide[share < 0.08] x="6" y="13" { (generation) }
        }
    }
}

/// For each band the first lane in which it covers no other; none beyond the limits.
fn lanes(known: &[Band]) -> Vec<Option<usize>> {
    let mut order: Vec<_> = (0..known.len()).collect();
    order.sort_by_key(|place| known[*place].first);
    let mut lanes = vec![None; known.len()];
    let mut ends = Vec::new();
    for place in order.into_iter().take(BANDS) {
        let Band { first, last, .. } = known[place];
        let free = ends.iter().position(|end| *end < first);
        let lane = free.or_else(|| (ends.len() < LANES).then_some(ends.len()));
        if let Some(lane) = lane {
            if lane == ends.len() {
                ends.push(last);
            }
            ends[lane] = last;
            lanes[place] = Some(lane);
        }
    }
    lanes
}

fn as_table(known: &[GenerationOutcome]) -> Markup {
    let head = markup! {
        tr { th { "process" } th.number { "first answer" } th.number { "last answer" }
             th.number { "answers" } }
    };
    let body = markup! {
        @for outcome in known.iter().take(ROWS) {
            tr {
                td { (names::responder(&outcome.responder)) }
                td.number { (moment(outcome.first)) }
                td.number { (moment(outcome.last)) }
                td.number { (count(outcome.answered)) }
            }
        }
    };
    let left = known.len().saturating_sub(ROWS) as u64;
    markup! {
        (table::folded("Who answered", &head, &body))
        (table::more(left, "process", "processes"))
    }
}

fn seen(bands: &[Band]) -> Markup {
    let head = markup! { tr { th { "process" } th.number { "from" } th.number { "until" } } };
    let body = markup! {
        @for band in bands.iter().take(ROWS) {
            tr {
                td { (names::responder(&band.responder)) }
                td.number { (moment(band.first)) }
                td.number { (moment(band.last)) }
            }
        }
    };
    let left = bands.len().saturating_sub(ROWS) as u64;
    markup! {
        (table::folded("Who held the listener", &head, &body))
        (table::more(left, "process", "processes"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recognise::Responder;

    fn band(generation: u64, first_ms: u64, last_ms: u64) -> Band {
        Band {
            responder: Responder { generation, pid: None },
            first: Duration::from_millis(first_ms),
            last: Duration::from_millis(last_ms),
        }
    }

    #[test]
    fn bands_never_cover_each_other() {
        let known = [band(1, 0, 50), band(2, 40, 100), band(3, 60, 90), band(4, 95, 99)];
        assert_eq!(lanes(&known), [Some(0), Some(1), Some(0), Some(0)]);
        let touching = [band(1, 0, 50), band(2, 50, 60)];
        assert_eq!(lanes(&touching), [Some(0), Some(1)]);
    }

    #[test]
    fn there_are_no_more_lanes_than_fit() {
        let known: Vec<_> = (0..100).map(|place| band(place, 0, 100)).collect();
        let lanes = lanes(&known);
        assert_eq!(lanes.iter().flatten().count(), LANES);
        assert_eq!(lanes.iter().flatten().max(), Some(&(LANES - 1)));
    }
}
