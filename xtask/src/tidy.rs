//! `cargo xtask tidy`: the house rules that a program can check, each in a module of its own.
//!
//! Nothing is compiled: sources are read, split into tokens, and judged file by file; only circles
//! of imports are looked for in a whole package. CONTRIBUTING.md says what the rules are.

mod banned;
mod blanks;
mod circles;
mod contents;
mod finding;
mod header;
mod imports;
mod links;
mod package;
mod sizes;
mod sleeps;
mod source;
mod token;

use std::fs;

use anyhow::{Context, Result};

use self::finding::{Finding, Level};
use self::package::Package;
use self::source::Source;
use crate::outcome::Outcome;
use crate::repository::Repository;

/// The rules for one Rust file.
const FILE_RULES: [fn(&Source) -> Vec<Finding>; 5] =
    [header::check, sizes::check, contents::check, banned::check, sleeps::check];

/// Checks the whole repository.
pub(crate) fn run(repository: &Repository) -> Result<Outcome> {
    let mut findings = Vec::new();
    let mut sources = Vec::new();
    for path in repository.files()? {
        let Ok(text) = fs::read_to_string(repository.root().join(&path)) else {
            continue; // Not text: nothing here is about it.
        };
        findings.extend(blanks::check(&path, &text));
        if path.ends_with(".md") {
            let exists = |target: &str| repository.root().join(target).exists();
            findings.extend(links::check(&path, &text, exists));
        }
        if path.ends_with(".rs") {
            let source = Source::parse(&path, text).with_context(|| format!("parse `{path}`"))?;
            sources.push(source);
        }
    }
    source::mark_test_modules(&mut sources);
    findings.extend(sources.iter().flat_map(check_file));
    for package in Package::all(&sources) {
        findings.extend(circles::check(&package));
    }
    findings.sort_unstable();
    Ok(conclude(sources.len(), &findings))
}

fn check_file(source: &Source) -> Vec<Finding> {
    FILE_RULES.iter().flat_map(|rule| rule(source)).collect()
}

fn conclude(files: usize, findings: &[Finding]) -> Outcome {
    for finding in findings {
        println!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.level == Level::Failure).count();
    let warnings = findings.len() - failures;
    println!("{files} Rust files: {failures} to mend, {warnings} to think about");
    if failures == 0 { Outcome::Passed } else { Outcome::failed(format!("{failures} to mend")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_can_be_read_whole() {
        // What it finds is the step's to say. Here it only matters that nothing is beyond it.
        run(&Repository::find()).unwrap();
    }

    #[test]
    fn warnings_alone_do_not_fail() {
        let warning = Finding::warning("a.rs", 1, "size", "long");
        let failure = Finding::failure("a.rs", 1, "size", "too long");
        assert_eq!(conclude(1, &[]), Outcome::Passed);
        assert_eq!(conclude(1, std::slice::from_ref(&warning)), Outcome::Passed);
        assert_eq!(conclude(1, &[warning, failure]), Outcome::failed("1 to mend"));
    }

    #[test]
    fn a_file_is_held_against_every_rule() {
        let text = "#[allow(dead_code)]\nfn f() { sleep(1); }\nuse a::*;\n".to_owned();
        let source = Source::parse("tests/lib.rs", text).unwrap();
        let findings = check_file(&source);
        for rule in ["header", "contents", "banned", "sleep"] {
            assert!(findings.iter().any(|finding| finding.rule == rule), "{rule}: {findings:?}");
        }
    }
}
