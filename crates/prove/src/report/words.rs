//! Numbers, times and foreign texts as people read them. Refuses to know of HTML or Markdown.

use std::time::Duration;

/// The most characters of a foreign text: a report stays small, whatever a server says.
const LONGEST_TEXT: usize = 1_000;

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 restart`, `2 restarts`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// How long something took: three digits and the unit that fits.
pub(crate) fn time(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    if us < 999.5 {
        format!("{us:.0} µs")
    } else if us < 999_500.0 {
        format!("{} ms", three_digits(us / 1e3))
    } else {
        format!("{} s", three_digits(us / 1e6))
    }
}

/// A latency or its absence: without answers there is none, and it is told as zero.
pub(crate) fn latency(latency: Duration) -> String {
    if latency.is_zero() { "–".to_owned() } else { time(latency) }
}

/// A moment since the start of the load, to the millisecond.
pub(crate) fn moment(at: Duration) -> String {
    format!("{:.3} s", at.as_secs_f64())
}

/// A share of a whole in percent, never rounded to all or to nothing.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if part == whole {
        return "100 %".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    // Cut off, not rounded: 99.9996 % is not all.
    format!("{:.3} %", (percent * 1e3).floor() / 1e3)
}

fn three_digits(number: f64) -> String {
    if number < 9.995 {
        format!("{number:.2}")
    } else if number < 99.95 {
        format!("{number:.1}")
    } else {
        count(number.round() as u64)
    }
}

/// Words of a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A text from outside without what would not show: control characters and those that turn the
/// direction of others are written as their numbers, and what is very long is cut off.
pub(crate) fn foreign(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST_TEXT));
    for (place, character) in text.chars().enumerate() {
        if place == LONGEST_TEXT {
            shown.push('…');
            break;
        }
        match character {
            '\t' | '\n' => shown.push(' '),
            _ if character.is_control() || turns(character) => {
                shown.extend(character.escape_unicode());
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Whether a character changes the direction or the look of others, or is not to be seen
/// (Unicode TR 9 and TR 36).
fn turns(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let counts = [0, 7, 999, 1_000, 12_345, 1_234_567, u64::MAX].map(count);
        let max = "18,446,744,073,709,551,615";
        assert_eq!(counts, ["0", "7", "999", "1,000", "12,345", "1,234,567", max]);
        assert_eq!(counted(1, "restart", "restarts"), "1 restart");
        assert_eq!(counted(0, "restart", "restarts"), "0 restarts");
    }

    #[test]
    fn times_have_three_digits_and_the_unit_that_fits() {
        for (us, text) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (9_994, "9.99 ms"),
            (9_996, "10.0 ms"),
            (99_960, "100 ms"),
            (999_400, "999 ms"),
            (999_600, "1.00 s"),
            (59_000_000, "59.0 s"),
            (3_600_000_000, "3,600 s"),
        ] {
            assert_eq!(time(Duration::from_micros(us)), text, "{us}");
        }
        assert_eq!(latency(Duration::ZERO), "–");
        assert_eq!(moment(Duration::from_micros(12_345_678)), "12.346 s");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(0, 0), "100 %", "nothing of nothing is missing");
        assert_eq!(percent(9_999_999, 10_000_000), "99.999 %");
        assert_eq!(percent(1, 3), "33.333 %");
    }

    #[test]
    fn words_are_listed_as_in_a_sentence() {
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&words[..0]), "");
        assert_eq!(listed(&words[..1]), "a");
        assert_eq!(listed(&words[..2]), "a and b");
        assert_eq!(listed(&words), "a, b and c");
    }

    #[test]
    fn foreign_texts_hide_nothing_and_end() {
        assert_eq!(foreign("a\tb\nc"), "a b c");
        assert_eq!(foreign("\0\x1b[31m\u{202e}"), "\\u{0}\\u{1b}[31m\\u{202e}");
        assert_eq!(foreign("é 漢 ✓"), "é 漢 ✓");
        let cut = foreign(&"é".repeat(LONGEST_TEXT + 1));
        assert_eq!(cut.chars().count(), LONGEST_TEXT + 1);
        assert!(cut.ends_with("é…"));
    }
}
