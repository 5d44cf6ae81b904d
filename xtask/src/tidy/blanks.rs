//! No blanks at the end of a line, one line feed at the end of a file.

use super::finding::Finding;

const RULE: &str = "blanks";

/// The files that are looked at, by how their paths end or begin. What tests compare with, byte
/// for byte, is not among them.
const ENDINGS: [&str; 6] = [".rs", ".md", ".toml", ".sh", ".yml", ".json"];
const BEGINNINGS: [&str; 1] = [".ci/"];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let considered = ENDINGS.iter().any(|ending| path.ends_with(ending))
        || BEGINNINGS.iter().any(|beginning| path.starts_with(beginning));
    if !considered {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::failure(path, index + 1, RULE, "blanks at the end of the line"));
        }
    }
    let whole = text.ends_with('\n') && !text.ends_with("\n\n");
    if !text.is_empty() && !whole {
        let message = "the file does not end with one line feed";
        findings.push(Finding::failure(path, text.lines().count(), RULE, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_end_of_a_line_are_found() {
        for line in ["a ", "a\t", "    "] {
            let found = check("a.rs", &format!("b\n{line}\nc\n"));
            assert_eq!((found.len(), found[0].line), (1, 2), "{line:?}");
        }
        assert!(check("a.rs", "a\n    b\n\nc\n").is_empty());
    }

    #[test]
    fn a_file_ends_with_one_line_feed() {
        assert!(check("README.md", "a\n").is_empty());
        assert!(check("README.md", "").is_empty());
        assert_eq!(check("README.md", "a").len(), 1);
        assert_eq!(check("README.md", "a\n\n").len(), 1);
    }

    #[test]
    fn only_our_own_text_is_looked_at() {
        assert_eq!(check(".ci/run", "a \n").len(), 1);
        assert!(check("tests/snapshots/a.snap", "a \n").is_empty());
        assert!(check("LICENSE-MIT", "a \n").is_empty());
    }
}
