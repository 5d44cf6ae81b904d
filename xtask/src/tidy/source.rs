//! A Rust file, read: its lines, its tokens, its syntax, and which of its lines are tests.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proc_macro2::TokenStream;

use super::token::{Token, attribute, begins, flatten, group};

/// A Rust file.
pub(crate) struct Source {
    /// Relative to the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) syntax: syn::File,
    scope: Scope,
}

/// Which of the lines are tests.
#[derive(Debug)]
enum Scope {
    All,
    Some(Vec<RangeInclusive<usize>>),
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it is no Rust.
    pub(crate) fn parse(path: &str, text: String) -> Result<Self, syn::Error> {
        let stream: TokenStream = text.parse()?;
        let tokens = flatten(stream.clone());
        let in_tests = path.split('/').any(|part| matches!(part, "tests" | "benches"));
        let scope = if in_tests { Scope::All } else { Scope::Some(test_items(&tokens)) };
        Ok(Self { path: path.to_owned(), text, tokens, syntax: syn::parse2(stream)?, scope })
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) const fn is_test(&self) -> bool {
        matches!(self.scope, Scope::All)
    }

    /// Whether a line is part of a test. Lines count from 1.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Some(ranges) => ranges.iter().any(|range| range.contains(&line)),
        }
    }

    /// How many lines are not part of a test.
    pub(crate) fn code_lines(&self) -> usize {
        (1..=self.text.lines().count()).filter(|line| !self.is_test_line(*line)).count()
    }

    /// The file, or the folder with a `/` at its end, of a module that is declared in this file.
    fn module_places(&self, module: &str) -> [String; 2] {
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
            _ => self.path.trim_end_matches(".rs"),
        };
        [format!("{folder}/{module}.rs"), format!("{folder}/{module}/")]
    }

    /// The modules that are declared for tests alone, in files of their own.
    fn test_modules(&self) -> impl Iterator<Item = &str> {
        (0..self.tokens.len()).filter_map(|index| {
            let (content, length) = attribute(&self.tokens[index..])?;
            let rest = &self.tokens[index + length..];
            let declared = is_for_tests(content) && begins(rest, &["mod"]);
            let name = rest.get(1).filter(|_| declared)?;
            begins(&rest[2..], &[";"]).then_some(name.text.as_str())
        })
    }
}

/// Marks the files of modules that other files declare for tests alone.
pub(crate) fn mark_test_modules(sources: &mut [Source]) {
    let places: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| source.test_modules().flat_map(|name| source.module_places(name)))
        .collect();
    for source in sources {
        if places.iter().any(|place| source.path.starts_with(place.as_str())) {
            source.scope = Scope::All;
        }
    }
}

/// The lines of items that are compiled for tests alone.
fn test_items(tokens: &[Token]) -> Vec<RangeInclusive<usize>> {
    let mut ranges = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let Some((content, length)) = attribute(&tokens[index..]) else {
            index += 1;
            continue;
        };
        if is_for_tests(content) {
            let end = item_end(tokens, index + length);
            ranges.push(tokens[index].line..=tokens[end].line);
            index = end;
        }
        index += 1;
    }
    ranges
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let names = |name: &str| attribute.iter().any(|token| token.text == name);
    begins(attribute, &["cfg"]) && names("test") && !names("not") && !names("any")
}

/// Where the item that begins at `start` ends: at its semicolon or its closing brace.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut index = start;
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            ";" => return index,
            "{" => return index + group(&tokens[index..]).1 - 1,
            "(" | "[" => index += group(&tokens[index..]).1,
            _ => index += 1,
        }
    }
    tokens.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text.to_owned()).unwrap()
    }

    #[test]
    fn test_items_are_told_from_code() {
        let text = "\
fn code() {}
#[cfg(test)]
use a::b;
fn more([x]: [u8; 2]) {}
#[cfg(not(test))]
fn never_a_test() {}
#[cfg(test)]
mod tests {
    fn test([x]: [u8; 2]) {}
}
fn last() {}
";
        let source = source("src/a.rs", text);
        let tests: Vec<usize> = (1..=11).filter(|line| source.is_test_line(*line)).collect();
        assert_eq!(tests, [2, 3, 7, 8, 9, 10]);
        assert_eq!(source.code_lines(), 5);
        assert!(!source.is_test());
    }

    #[test]
    fn files_for_tests_are_tests_throughout() {
        for path in ["crates/a/tests/b.rs", "tests/e2e/src/lib.rs", "a/benches/b.rs"] {
            let source = source(path, "fn f() {}\n");
            assert!(source.is_test() && source.is_test_line(1), "{path}");
            assert_eq!(source.code_lines(), 0);
        }
        assert!(!source("src/attests.rs", "fn f() {}\n").is_test());
    }

    #[test]
    fn modules_declared_for_tests_are_tests_with_all_below_them() {
        let mut sources = [
            source("src/lib.rs", "#[cfg(test)]\nmod world;\nmod plain;\n"),
            source("src/world.rs", "mod client;"),
            source("src/world/client.rs", ""),
            source("src/plain.rs", "#[cfg(test)]\nmod double;\n#[cfg(test)]\nmod tests {}"),
            source("src/plain/double.rs", ""),
            source("src/plain/tests.rs", ""),
        ];
        mark_test_modules(&mut sources);
        let marked: Vec<bool> = sources.iter().map(Source::is_test).collect();
        assert_eq!(marked, [false, true, true, false, true, false]);
    }
}
