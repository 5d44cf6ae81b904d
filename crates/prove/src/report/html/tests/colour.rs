//! Whether the colours can be read, in light and in dark: the contrasts that WCAG 2.2 asks for.

use std::collections::HashMap;

use crate::report::html::STYLE;

/// For texts (1.4.3), and for shapes (1.4.11).
const TEXT: f64 = 4.5;
const SHAPE: f64 = 3.0;

type Palette = HashMap<&'static str, [f64; 3]>;

/// The colours of both themes; those of the dark one come second.
fn palettes() -> [Palette; 2] {
    let mut roots =
        STYLE.split(":root {").skip(1).map(|rest| palette(rest.split_once('}').unwrap().0));
    [roots.next().unwrap(), roots.next().unwrap()]
}

fn palette(declarations: &'static str) -> Palette {
    let declared = declarations.split(';').filter_map(|one| one.trim().split_once(": #"));
    declared.map(|(name, digits)| (name, channels(digits))).collect()
}

fn channels(digits: &str) -> [f64; 3] {
    let channel = |at: usize| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    [channel(0), channel(2), channel(4)]
}

/// The relative luminance of sRGB, as WCAG defines it.
fn luminance(channels: [f64; 3]) -> f64 {
    let [red, green, blue] = channels.map(|channel| {
        let share = channel / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn black_on_white_is_the_most() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 1e-9);
}

#[test]
fn texts_and_shapes_stand_out() {
    let pairs = [
        ("--ink", "--card", TEXT),
        ("--ink", "--paper", TEXT),
        ("--soft", "--card", TEXT),
        ("--soft", "--paper", TEXT),
        ("--bad", "--card", TEXT),
        ("--good", "--card", TEXT),
        ("--ink", "--bad-fill", TEXT),
        ("--ink", "--good-fill", TEXT),
        ("--ink", "--warn-fill", TEXT),
        ("--ink", "--tone0", TEXT),
        ("--ink", "--tone1", TEXT),
        // A sign on its disc, and the number on a flag.
        ("--card", "--bad", TEXT),
        ("--card", "--good", TEXT),
        ("--card", "--warn", TEXT),
        ("--card", "--mark", SHAPE),
        ("--accent", "--card", SHAPE),
        ("--p50", "--card", SHAPE),
        ("--p99", "--card", SHAPE),
        ("--p999", "--card", SHAPE),
        ("--longest", "--card", SHAPE),
        ("--tone0-edge", "--card", SHAPE),
        ("--tone1-edge", "--card", SHAPE),
    ];
    for (theme, palette) in ["light", "dark"].into_iter().zip(palettes()) {
        for (front, back, least) in pairs {
            let found = contrast(palette[front], palette[back]);
            assert!(found >= least, "{theme}: {front} on {back} is {found:.2}, not {least}");
        }
    }
}
