//! Small texts for people: numbers, times, and the words of others.

use std::time::Duration;

/// How wide a line of a terminal is, if nothing is known of it.
const LINE_COLUMNS: usize = 80;
/// How much further than its first line a text is indented that goes on.
const INDENT_MORE: usize = 4;

/// A count with its thousands apart: `41,213`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A short time with a digit behind the point: `12.3 ms`.
pub(crate) fn short(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A long time in whole seconds: `2h 3m 4s`.
pub(crate) fn long(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// The words of another process, on one line and without power over the terminal.
pub(crate) fn printable(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for character in words.chars() {
        match character.is_control() {
            true => text.extend(character.escape_default()),
            false => text.push(character),
        }
    }
    text
}

/// The words of another process, in their lines: those after the first are indented.
pub(crate) fn printable_lines(words: &str) -> String {
    words.lines().map(printable).collect::<Vec<_>>().join("\n    ")
}

/// Parts with a separator between them, on lines of no more than 80 columns if each part has room;
/// those after the first line are indented by as many blanks more.
pub(crate) fn filled(parts: &[String], separator: &str, indent: usize) -> String {
    let mut text = " ".repeat(indent);
    let mut width = indent;
    for (place, part) in parts.iter().enumerate() {
        let end = if place + 1 < parts.len() { separator } else { "" };
        let length = part.chars().count() + end.len();
        if place > 0 && width + 1 + length > LINE_COLUMNS {
            text.push('\n');
            width = indent + INDENT_MORE;
            text.push_str(&" ".repeat(width));
        } else if place > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(part);
        text.push_str(end);
        width += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let table = [(0, "0"), (12, "12"), (999, "999"), (1_000, "1,000"), (41_213, "41,213")];
        for (number, text) in table {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn a_short_time_has_the_unit_that_fits() {
        let table = [
            (Duration::ZERO, "0 µs"),
            (Duration::from_nanos(999_999), "999 µs"),
            (Duration::from_micros(1_000), "1.0 ms"),
            (Duration::from_micros(12_345), "12.3 ms"),
            (Duration::from_millis(1_500), "1.50 s"),
            (Duration::from_secs(75), "75.00 s"),
        ];
        for (time, text) in table {
            assert_eq!(short(time), text);
        }
    }

    #[test]
    fn lines_of_others_stay_lines() {
        assert_eq!(printable_lines("a\nb\u{1b}[2J\n"), "a\n    b\\u{1b}[2J");
        assert_eq!(printable_lines("a"), "a");
    }

    #[test]
    fn a_line_ends_between_two_parts() {
        let parts = ["a".repeat(40), "b".repeat(36), "c".repeat(100), "d e".to_owned()];
        let [a, b, c, d] = &parts;
        assert_eq!(filled(&parts, ";", 2), format!("  {a};\n      {b};\n      {c};\n      {d}"));
        assert_eq!(filled(&parts, ";", 0), format!("{a}; {b};\n    {c};\n    {d}"));
        assert_eq!(filled(&parts[3..], ";", 1), " d e");
    }

    #[test]
    fn a_long_time_has_whole_seconds() {
        assert_eq!(long(Duration::from_millis(7_384_999)), "2h 3m 4s");
        assert_eq!(long(Duration::from_millis(12)), "0s");
    }

    #[test]
    fn words_of_others_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{9b}ü"), "a\\u{1b}[2J\\nb\\u{9b}ü");
    }
}
