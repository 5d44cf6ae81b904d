//! Texts that Markdown takes for nothing but texts. Refuses to lay out.

use crate::report::words::foreign;

/// What has a meaning in GitHub's flavour of Markdown, tables and links by themselves included. As
/// numbered entities they have none (CommonMark 0.31, 2.5), in a table neither. What has one only
/// beside these is left as it is: `!` and `^` before a bracket, quotes within a link or a tag.
const SPECIAL: &str = "\\`*_[]<>|~@&$";

/// How a link begins, or a picture like `:x:`.
const COLON: char = ':';

/// A text as itself.
pub(crate) fn literal(text: &str) -> String {
    let text = foreign(text);
    let mut written = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        let rest = &text[place + character.len_utf8()..];
        let begins = place == 0 && begins_a_block(&text);
        // GitHub makes a link of `www.` and of `http:`.
        let links = match character {
            '.' => ends_with_www(&text[..place]),
            COLON => !rest.is_empty() && !rest.starts_with(' '),
            _ => false,
        };
        if SPECIAL.contains(character) || begins || links {
            written.push_str(&format!("&#{};", u32::from(character)));
        } else {
            written.push(character);
        }
    }
    written
}

/// A text as itself, in the letters of a program. As HTML where a span between backticks has no way
/// to write it: backticks themselves, a bar or a backslash before one in a table, blanks at an end.
/// And where a reader that heeds no spans would take it for a tag.
pub(crate) fn code(text: &str) -> String {
    let shown = foreign(text);
    let fits = !shown.contains(['`', '|', '\\', '<', '&']) && shown.trim() == shown;
    match shown.is_empty() {
        true => "–".to_owned(),
        false if fits => format!("`{shown}`"),
        false => format!("<code>{}</code>", literal(text)),
    }
}

/// Whether a line that begins with it would be a list, a heading or a rule.
fn begins_a_block(text: &str) -> bool {
    let after_digits = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let is_numbered = after_digits.len() < text.len() && after_digits.starts_with(['.', ')']);
    is_numbered || text.starts_with(['-', '+', '=', '#'])
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
        assert_eq!(literal("it's \"none\": 3 {x} #4!"), "it's \"none\": 3 {x} #4!");
        assert_eq!(code("GET /a/b.html?c=d"), "`GET /a/b.html?c=d`");
        assert_eq!(code("http://127.0.0.1:80/_*"), "`http://127.0.0.1:80/_*`");
        assert_eq!(code("1s"), "`1s`");
        assert_eq!(code("a | b"), "<code>a &#124; b</code>");
        assert_eq!(code(""), "–");
    }

    #[test]
    fn nothing_has_a_meaning() {
        let hostile = "\\|`*_[x](javascript:y)<b>&amp;!~@who $1 :x: https://x www.x WWW.x";
        let written = code(hostile);
        let inner = written.strip_prefix("<code>").unwrap().strip_suffix("</code>").unwrap();
        // Entities apart, nothing special is left.
        let bare = inner.split("&#").map(|part| part.split_once(';').map_or(part, |it| it.1));
        for part in bare {
            assert!(!part.contains(|it| SPECIAL.contains(it)), "{part}");
            assert!(!part.contains(":x") && !part.contains(":/"), "{part}");
            assert!(!part.to_lowercase().contains("www."), "{part}");
        }
        assert_eq!(literal("a\n\n# b"), "a  # b", "one line stays one");
    }

    #[test]
    fn no_list_begins() {
        assert_eq!(literal("- a"), "&#45; a");
        assert_eq!(literal("1. a - b"), "&#49;. a - b");
        assert_eq!(literal("# a"), "&#35; a");
        assert_eq!(literal("1.5 a"), "&#49;.5 a", "rather one too many than one too few");
        assert_eq!(literal("15 a"), "15 a");
    }
}
