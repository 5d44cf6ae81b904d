//! Texts that Markdown takes for nothing but texts. Refuses to lay out.

use crate::report::words::foreign;

/// What has a meaning in GitHub's flavour of Markdown, tables and links by themselves included.
/// As numbered entities they have none (CommonMark 0.31, 2.5), in a table neither.
const SPECIAL: &str = "\\`*_{}[]<>#!|~@&$^:\"'";

/// A text as itself.
pub(crate) fn literal(text: &str) -> String {
    let text = foreign(text);
    let mut written = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        // GitHub makes a link of `www.`, and a list of what begins with a sign or a number.
        let begins = place == 0 && matches!(character, '-' | '+' | '=' | '0'..='9');
        let links = character == '.' && ends_with_www(&text[..place]);
        if SPECIAL.contains(character) || begins || links {
            written.push_str(&format!("&#{};", u32::from(character)));
        } else {
            written.push(character);
        }
    }
    written
}

/// A text as itself, in the letters of a program. HTML, since a span between backticks has no way
/// to write them, nor a bar in a table.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() { "–".to_owned() } else { format!("<code>{}</code>", literal(text)) }
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(literal("keep, idle (2) — 3 %"), "keep, idle (2) — 3 %");
        assert_eq!(code("GET /a/b.html?c=d"), "<code>GET /a/b.html?c=d</code>");
        assert_eq!(code(""), "–");
    }

    #[test]
    fn nothing_has_a_meaning() {
        let hostile = "\\|`*_{}[x](javascript:y)<b>&amp;#!~@who $1^ https://x www.x WWW.x";
        let written = code(hostile);
        let inner = written.strip_prefix("<code>").unwrap().strip_suffix("</code>").unwrap();
        // Entities apart, nothing special is left.
        let bare = inner.split("&#").map(|part| part.split_once(';').map_or(part, |it| it.1));
        for part in bare {
            assert!(!part.contains(|it| SPECIAL.contains(it)), "{part}");
            assert!(!part.to_lowercase().contains("www."), "{part}");
        }
        assert_eq!(literal("a\n\n# b"), "a  &#35; b", "one line stays one");
    }

    #[test]
    fn no_list_begins() {
        assert_eq!(literal("- a"), "&#45; a");
        assert_eq!(literal("1. a - b"), "&#49;. a - b");
    }
}
