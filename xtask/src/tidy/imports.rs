//! What a file names at the root of its own package: `crate::a`, and `super::a` from high enough.

use super::source::Source;
use super::token::{Token, begins, group};

/// A name at the root of the package, and the line where it is used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// The names that code outside tests uses. `depth` says how far below the root the file's module
/// is: 1 for `src/a.rs`.
pub(crate) fn of(source: &Source, depth: usize) -> Vec<Import> {
    let mut imports = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let goes_on = index > 0 && matches!(source.tokens[index - 1].text.as_str(), ":" | "in");
        if goes_on || source.is_test_line(token.line) {
            continue;
        }
        if let Some(rest) = at_root(&source.tokens[index..], depth) {
            imports.extend(names(rest).map(|name| Import { name, line: token.line }));
        }
    }
    imports
}

/// What follows a path's way to the root, if it goes there.
fn at_root(tokens: &[Token], depth: usize) -> Option<&[Token]> {
    if begins(tokens, &["crate", ":", ":"]) {
        return Some(&tokens[3..]);
    }
    let mut rest = tokens;
    for _ in 0..depth {
        if !begins(rest, &["super", ":", ":"]) {
            return None;
        }
        rest = &rest[3..];
    }
    (depth > 0).then_some(rest)
}

/// The name that comes next, or all first names of a group.
fn names(tokens: &[Token]) -> impl Iterator<Item = String> {
    let (content, is_group) =
        if begins(tokens, &["{"]) { (group(tokens).0, true) } else { (tokens, false) };
    let mut depth = 0_usize;
    let mut first = true;
    let mut names = Vec::new();
    for token in content {
        if first {
            names.push(token.text.clone());
        }
        first = false;
        match token.text.as_str() {
            _ if !is_group => break,
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => first = true,
            _ => {}
        }
    }
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(depth: usize, text: &str) -> Vec<String> {
        let source = Source::parse("src/a.rs", text.to_owned()).unwrap();
        of(&source, depth).into_iter().map(|import| import.name).collect()
    }

    #[test]
    fn names_are_found_in_uses_paths_and_macros() {
        let text = "\
use crate::one::One;
use crate::{two::{Inner, deep::Deeper}, three, four::Four,};
fn f() -> crate::five::Five { info!(\"{}\", crate::six()); }
";
        assert_eq!(imports(1, text), ["one", "two", "three", "four", "five", "six"]);
    }

    #[test]
    fn super_counts_from_where_the_file_is() {
        assert_eq!(imports(1, "use super::one::One;\n"), ["one"]);
        assert_eq!(imports(2, "use super::sibling::One;\n"), [""; 0]);
        assert_eq!(imports(2, "use super::super::one::One;\n"), ["one"]);
        assert_eq!(imports(0, "use super::one::One;\n"), [""; 0]);
    }

    #[test]
    fn what_is_no_import_is_left_out() {
        let text = "\
pub(crate) fn f() {}
pub(in crate::one) fn g() {}
use other::two;
#[cfg(test)]
mod tests { use crate::three; }
";
        assert_eq!(imports(1, text), [""; 0]);
    }
}
