//! The time axis that all charts share: its marks, its labels and the numbers of the restarts.

use std::time::Duration;

use maud::{Markup, html as markup};

use crate::proof::Proof;
use crate::proof::restart_outcome::{RestartOutcome, RestartState};
use crate::report::grid::share;
use crate::report::html::plot::percent;
use crate::report::html::restarts::ROWS;
use crate::report::ticks::{self, Label, Room};
use crate::report::words::moment;

/// How many steps the axis has at most.
const STEPS: usize = 12;
/// How many restarts have a mark each; of more, only those whose number is shown.
const MARKS: usize = 120;
/// How wide a digit is, in pixels, in the widest of common fonts.
const DIGIT: usize = 8;

/// The share of the axis that a tail has at least, to be marked.
const TAIL: f64 = 0.005;

/// The axis: marks at round times and at the restarts.
#[derive(Debug)]
pub(crate) struct TimeAxis {
    span: Duration,
    /// Until when requests were started.
    asked: Duration,
    /// In seconds.
    ticks: Vec<f64>,
    restarts: Vec<RestartOutcome>,
}

impl TimeAxis {
    pub(crate) fn of(proof: &Proof) -> Self {
        let span = proof.outcome.elapsed.max(Duration::from_millis(1));
        let ticks = ticks::linear(span.as_secs_f64(), STEPS);
        Self { span, asked: proof.outcome.asked, ticks, restarts: proof.restarts.clone() }
    }

    /// Where a moment is.
    pub(crate) fn percent(&self, at: Duration) -> String {
        percent(share(at, self.span))
    }

    /// What every chart has behind its data. It is in the page once; charts refer to it.
    pub(crate) fn marks(&self) -> Markup {
        markup! {
            svg.defs width="0" height="0" aria-hidden="true" {
                symbol id="marks" {
                    @if let Some(from) = self.tail() {
                        rect.tail x=(percent(from)) y="0"
                            width=(percent(1.0 - from)) height="100%" {}
                    }
                    @for tick in &self.ticks {
                        (upright("grid", &self.percent(Duration::from_secs_f64(*tick))))
                    }
                    @for restart in self.marked() {
                        (self.change(restart))
                        (upright(kind(restart), &self.percent(restart.at)))
                    }
                }
            }
        }
    }

    /// Where the end of the asking is, if something came after it.
    fn tail(&self) -> Option<f64> {
        let from = share(self.asked, self.span);
        (1.0 - from > TAIL).then_some(from)
    }

    /// What the shade at the end is.
    pub(crate) fn tail_note(&self) -> Markup {
        markup! {
            @if self.tail().is_some() {
                " Asking ended at " (moment(self.asked))
                ": after that, in the shade at the right, requests under way were finished."
            }
        }
    }

    /// Whether there are restarts without a mark.
    pub(crate) fn leaves_out(&self) -> bool {
        self.restarts.len() > MARKS
    }

    fn marked(&self) -> Vec<&RestartOutcome> {
        if self.leaves_out() {
            self.shown().map(|(restart, _)| restart).collect()
        } else {
            self.restarts.iter().collect()
        }
    }

    /// The restarts whose number is shown.
    fn shown(&self) -> impl Iterator<Item = (&RestartOutcome, Room)> {
        let label = |restart: &RestartOutcome| Label {
            place: share(restart.at, self.span),
            width: flag_width(restart) as f64,
        };
        let labels: Vec<_> = self.restarts.iter().map(label).collect();
        self.restarts.iter().zip(ticks::rooms(&labels)).filter(|(_, room)| *room != Room::Never)
    }

    /// From the asking to the first sign of the new process.
    fn change(&self, restart: &RestartOutcome) -> Markup {
        let Some(change) = &restart.change else {
            return Markup::default();
        };
        let width = share(change.at, self.span) - share(restart.at, self.span);
        markup! {
            rect.change x=(self.percent(restart.at)) y="0" width=(percent(width)) height="100%" {}
        }
    }

    /// The numbers of the restarts, above a chart. Each leads to its row in the table.
    pub(crate) fn flags(&self) -> Markup {
        markup! {
            @if !self.restarts.is_empty() {
                div.strip.flags {
                    span.side { "restart" }
                    svg height="20" {
                        @for (restart, room) in self.shown() { (self.flag(restart, room)) }
                    }
                }
            }
        }
    }

    fn flag(&self, restart: &RestartOutcome, room: Room) -> Markup {
        let number = restart.number.to_string();
        let width = flag_width(restart);
        // Restarts beyond the rows of their table have nowhere to lead to.
        let target = if restart.number as usize <= ROWS {
            format!("#restart-{number}")
        } else {
            "#restarts".to_owned()
        };
        markup! {
            svg.wide[room == Room::Wide] x=(self.percent(restart.at)) overflow="visible" {
                a.flag.(kind(restart)) href=(target) aria-label={"restart " (number)} {
                    rect x={"-" (width / 2)} y="1" width=(width) height="17" rx="4" {}
                    text x="0" y="13.5" { (number) }
                }
            }
        }
    }

    /// The times, below a chart.
    pub(crate) fn labels(&self) -> Markup {
        let end = self.span.as_secs_f64();
        let label = |tick: &f64| {
            let text = self.label(*tick);
            (Label { place: tick / end, width: (text.len() * DIGIT) as f64 }, text)
        };
        let (labels, texts): (Vec<_>, Vec<_>) = self.ticks.iter().map(label).unzip();
        let rooms = ticks::rooms(&labels);
        markup! {
            div.strip.times {
                span.side {}
                svg height="18" aria-hidden="true" {
                    @for ((label, text), room) in labels.iter().zip(&texts).zip(rooms) {
                        @if room != Room::Never {
                            text.wide[room == Room::Wide].last[label.place > 0.97]
                                x=(percent(label.place)) y="13" { (text) }
                        }
                    }
                }
            }
        }
    }

    fn label(&self, tick: f64) -> String {
        let step = self.ticks.get(1).copied().unwrap_or(1.0);
        if step >= 1.0 {
            format!("{tick:.0} s")
        } else if step >= 0.1 {
            format!("{tick:.1} s")
        } else {
            format!("{:.0} ms", tick * 1e3)
        }
    }
}

/// In pixels; even, so that it stands in the middle.
fn flag_width(restart: &RestartOutcome) -> usize {
    10 + DIGIT * restart.number.to_string().len()
}

fn kind(restart: &RestartOutcome) -> &'static str {
    match restart.state {
        RestartState::Failed => "restart failed",
        RestartState::Unchanged => "restart unchanged",
        RestartState::UnderWay
        | RestartState::Changed
        | RestartState::Unrecognised
        | RestartState::NotJudged => "restart",
    }
}

fn upright(class: &str, at: &str) -> Markup {
    markup! { line class=(class) x1=(at) y1="0" x2=(at) y2="100%" {} }
}
