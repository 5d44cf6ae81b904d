//! Small texts for people: numbers, times, and the words of others.

use std::time::Duration;

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
    fn a_long_time_has_whole_seconds() {
        assert_eq!(long(Duration::from_millis(7_384_999)), "2h 3m 4s");
        assert_eq!(long(Duration::from_millis(12)), "0s");
    }

    #[test]
    fn words_of_others_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{9b}ü"), "a\\u{1b}[2J\\nb\\u{9b}ü");
    }
}
