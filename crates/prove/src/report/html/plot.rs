//! The frame of a chart and the shapes in it. Refuses to know what is drawn.
//!
//! ```text
//!   side │ svg: width of the page, height in pixels
//!    200 │── lines of the scale, marks of the time ─────────
//!      0 │── inner svg: 0 to 1000 wide, stretched to fit ───
//! ```
//! Texts and marks are placed in per cent and keep their size; shapes are stretched, not their
//! strokes. So one drawing fits every width.

use std::fmt::Write as _;

use maud::{Markup, html as markup};

use crate::report::scale::Scale;

/// How wide the stretched drawing is, in units of its own.
pub(crate) const WIDTH: f64 = 1_000.0;

/// A share of the width in per cent.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", trimmed(share * 100.0, 3))
}

/// A chart to be pointed at.
pub(crate) struct Plot<'a> {
    /// What the script calls it, and its place among those of that kind.
    pub(crate) kind: &'static str,
    pub(crate) index: usize,
    /// What it is, for who cannot see it.
    pub(crate) label: &'a str,
    pub(crate) height: u32,
}

impl Plot<'_> {
    /// The chart with this beside it and this in it.
    pub(crate) fn draw(&self, side: &Markup, inside: &Markup) -> Markup {
        let height = self.height;
        markup! {
            div.strip.plot data-kind=(self.kind) data-index=(self.index) tabindex="0" role="group"
                aria-roledescription="chart" aria-label=(self.label) {
                svg.side height=(height) aria-hidden="true" { (side) }
                svg.area height=(height) aria-hidden="true" {
                    use href="#marks" width="100%" height="100%" {}
                    (inside)
                }
            }
        }
    }
}

/// The labels of a scale, and its lines.
pub(crate) fn levels(scale: &Scale, label: impl Fn(f64) -> String) -> [Markup; 2] {
    let ys = || scale.ticks.iter().map(|tick| (*tick, trimmed(scale.y(*tick), 1)));
    let labels = markup! {
        @for (tick, y) in ys() { text x="100%" y=(y) dx="-8" dy="3.5" { (label(tick)) } }
    };
    let lines = markup! {
        @for (_, y) in ys() { line.level x1="0" y1=(y) x2="100%" y2=(y) {} }
    };
    [labels, lines]
}

/// Shapes that are stretched to the width.
pub(crate) fn stretched(height: u32, shapes: &Markup) -> Markup {
    markup! {
        svg viewBox={"0 0 " (WIDTH) " " (height)} preserveAspectRatio="none" width="100%"
            height=(height) { (shapes) }
    }
}

/// A line through points; where there is none it is broken, and a point alone is a dot.
pub(crate) fn line(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut alone = false;
    let mut drawing = false;
    for point in points {
        match point {
            Some((x, y)) => {
                alone = !drawing;
                place(&mut path, if drawing { 'L' } else { 'M' }, x, y);
                drawing = true;
            }
            None => {
                dot(&mut path, alone);
                (alone, drawing) = (false, false);
            }
        }
    }
    dot(&mut path, alone);
    path
}

/// A point becomes visible by a stroke of next to no length, whose ends are round.
fn dot(path: &mut String, alone: bool) {
    if alone {
        path.push_str("h.01");
    }
}

/// The outline of columns that stand side by side: from where each begins to where the next does.
pub(crate) fn steps(columns: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in columns {
        if path.is_empty() {
            place(&mut path, 'M', x, y);
        } else {
            write(&mut path, 'H', x * WIDTH);
            write(&mut path, 'V', y);
        }
    }
    if !path.is_empty() {
        write(&mut path, 'H', WIDTH);
    }
    path
}

/// A bar from the bottom up.
pub(crate) fn bar(path: &mut String, from: f64, until: f64, bottom: f64, height: f64) {
    place(path, 'M', from, bottom);
    write(path, 'v', -height);
    write(path, 'H', until * WIDTH);
    write(path, 'v', height);
    path.push('z');
}

fn place(path: &mut String, command: char, x: f64, y: f64) {
    write(path, command, x * WIDTH);
    path.push(' ');
    path.push_str(&trimmed(y, 1));
}

fn write(path: &mut String, command: char, number: f64) {
    path.push(command);
    path.push_str(&trimmed(number, 1));
}

/// A number without zeros at its end.
fn trimmed(number: f64, digits: usize) -> String {
    let mut text = String::new();
    write!(text, "{number:.digits$}").expect("a text takes every write");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, -0.001, 10.0, 12.34, 12.96, 100.0].map(|number| trimmed(number, 1));
        assert_eq!(texts, ["0", "0", "10", "12.3", "13", "100"]);
        assert_eq!(percent(0.123_456), "12.346%");
    }

    #[test]
    fn a_line_is_broken_where_nothing_is() {
        let points = [Some((0.0, 1.0)), Some((0.1, 2.0)), None, None, Some((0.5, 3.0)), None];
        assert_eq!(line(points.into_iter()), "M0 1L100 2M500 3h.01");
        assert_eq!(line([None, Some((1.0, 2.5))].into_iter()), "M1000 2.5h.01");
        assert_eq!(line([].into_iter()), "");
    }

    #[test]
    fn columns_reach_to_the_end() {
        let columns = [(0.0, 5.0), (0.5, 7.0)];
        assert_eq!(steps(columns.into_iter()), "M0 5H500V7H1000");
        assert_eq!(steps([].into_iter()), "");
    }

    #[test]
    fn a_bar_stands_on_its_bottom() {
        let mut path = String::new();
        bar(&mut path, 0.1, 0.2, 30.0, 12.0);
        assert_eq!(path, "M100 30v-12H200v12z");
    }
}
