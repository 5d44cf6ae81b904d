//! A test waits for events. One that sleeps says why, on that line or the line before.

use super::finding::Finding;
use super::source::Source;
use super::token::begins;

/// Programs that tests start: they are as slow as they are told to be.
const PROGRAMS: &str = "/src/bin/";

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if source.path.contains(PROGRAMS) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let called = begins(&source.tokens[index..], &["sleep", "("]);
        // A method of that name is something else: it takes no thread or task from its work.
        let is_other = index > 0 && matches!(source.tokens[index - 1].text.as_str(), "fn" | ".");
        if called && !is_other && source.is_test_line(token.line) && !has_reason(&lines, token.line)
        {
            let message = "a test sleeps: wait for an event, or say why not in a comment";
            findings.push(Finding::failure(&source.path, token.line, "sleep", message));
        }
    }
    findings
}

/// Whether there is a comment on a line (from 1), or the line before it is one.
fn has_reason(lines: &[&str], line: usize) -> bool {
    let on_it = lines.get(line - 1).is_some_and(|text| text.contains("// "));
    let before = line.checked_sub(2).and_then(|index| lines.get(index));
    on_it || before.is_some_and(|text| text.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Source::parse(path, text.to_owned()).unwrap())
    }

    #[test]
    fn a_test_that_sleeps_without_a_word_is_found() {
        for call in ["thread::sleep(SHORT);", "tokio::time::sleep(SHORT).await;", "sleep(SHORT);"] {
            let text = format!("async fn f() {{\n    {call}\n}}\n");
            let found = findings("crates/a/tests/b.rs", &text);
            assert_eq!((found.len(), found[0].line), (1, 2), "{call}");
            let inside = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
            assert_eq!(findings("src/a.rs", &inside).len(), 1, "{call}");
        }
    }

    #[test]
    fn a_reason_is_accepted_on_the_line_and_before_it() {
        let on = "fn f() {\n    sleep(SHORT); // The kernel tells nobody.\n}\n";
        let before = "fn f() {\n    // The kernel tells nobody.\n    sleep(SHORT);\n}\n";
        let far = "fn f() {\n    // The kernel tells nobody.\n    g();\n    sleep(SHORT);\n}\n";
        assert!(findings("tests/a.rs", on).is_empty());
        assert!(findings("tests/a.rs", before).is_empty());
        assert_eq!(findings("tests/a.rs", far).len(), 1);
    }

    #[test]
    fn code_may_sleep_and_tests_may_speak_of_it() {
        assert!(findings("src/a.rs", "fn f() {\n    sleep(SHORT);\n}\n").is_empty());
        let text = "use std::thread::sleep;\nfn sleep(a: u8) {}\nfn f() { g(\"sleep(1)\"); }\n";
        assert!(findings("tests/a.rs", text).is_empty());
        assert!(findings("tests/a.rs", "fn f() { self.sleep(1); }\n").is_empty());
        let program = "tests/e2e/src/bin/server.rs";
        assert!(findings(program, "fn f() { sleep(delay); }\n").is_empty());
    }
}
