//! Each file opens with `//!`: what it owns and what it refuses.

use super::finding::Finding;
use super::source::Source;

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let opening = source.text.lines().next().unwrap_or_default();
    let says_something = opening.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty());
    if says_something {
        return Vec::new();
    }
    let message = "the file does not open with `//!` and what it is for";
    vec![Finding::failure(&source.path, 1, "header", message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Source::parse("src/a.rs", text.to_owned()).unwrap()).len()
    }

    #[test]
    fn a_header_comes_first() {
        assert_eq!(findings("//! What it is.\nfn f() {}\n"), 0);
        assert_eq!(findings("#![no_std]\n//! What it is.\n"), 1);
        assert_eq!(findings("// What it is.\n"), 1);
        assert_eq!(findings("\n//! What it is.\n"), 1);
        assert_eq!(findings(""), 1);
    }

    #[test]
    fn a_header_says_something() {
        assert_eq!(findings("//!\n//! Later.\n"), 1);
    }
}
