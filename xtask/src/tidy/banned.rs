//! What is not written: `allow` for `expect`, unfinished code, tests that do not run, and `unsafe`
//! outside the one crate that is for it.

use super::finding::Finding;
use super::source::Source;
use super::token::{Token, attribute, begins};

const RULE: &str = "banned";

/// Where `unsafe` may be.
const UNSAFE_HOME: &str = "crates/unix/";

/// Macros that stand for what is not done, or not to be left.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let rest = &source.tokens[index..];
        let message = banned_attribute(rest)
            .or_else(|| unfinished(rest))
            .or_else(|| unsafe_away_from_home(&source.path, token));
        if let Some(message) = message {
            findings.push(Finding::failure(&source.path, token.line, RULE, message));
        }
    }
    findings
}

fn banned_attribute(tokens: &[Token]) -> Option<String> {
    let (content, _) = attribute(tokens)?;
    // A condition may hold any attribute, at any place of its list.
    let conditional = begins(content, &["cfg_attr"]);
    let considered = if conditional { content } else { content.get(..1)? };
    let is = |name: &str| considered.iter().any(|token| token.text == name);
    if is("allow") {
        Some("`allow`: write `#[expect(…, reason = \"…\")]`".into())
    } else if is("ignore") {
        Some("`ignore`: a test runs, or it is removed".into())
    } else {
        None
    }
}

fn unfinished(tokens: &[Token]) -> Option<String> {
    let name = tokens.first().filter(|token| UNFINISHED.contains(&token.text.as_str()))?;
    begins(&tokens[1..], &["!"]).then(|| format!("`{}!` is not left in", name.text))
}

fn unsafe_away_from_home(path: &str, token: &Token) -> Option<String> {
    (token.text == "unsafe" && !path.starts_with(UNSAFE_HOME))
        .then(|| format!("`unsafe` is for `{UNSAFE_HOME}` alone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Source::parse(path, text.to_owned()).unwrap())
    }

    #[test]
    fn what_is_banned_is_found_at_its_line() {
        for text in [
            "#[allow(dead_code)]\nfn f() {}",
            "#![allow(dead_code)]",
            "#[cfg_attr(test, allow(dead_code))]\nfn f() {}",
            "#[ignore]\nfn f() {}",
            "#[ignore = \"slow\"]\nfn f() {}",
            "#[cfg_attr(target_os = \"linux\", ignore)]\nfn f() {}",
            "fn f() { todo!() }",
            "fn f() { assert!(unimplemented!(\"later\")); }",
            "fn f() { std::dbg!(1); }",
            "fn f() { unsafe { g() } }",
            "unsafe impl Send for A {}",
        ] {
            let found = findings("crates/core/src/a.rs", &format!("//! Words.\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].line, 2, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        let text = "\
//! No `unsafe`, no #[allow(x)] and no todo!() here.
#![forbid(unsafe_code)]
#[expect(dead_code, reason = \"allow, ignore, unsafe\")]
fn allow(ignore: bool) -> bool { ignore != true }
/// dbg!(1)
const TEXT: &str = \"#[ignore] todo!() unsafe\";
#[error(ignore)]
struct Todo;
";
        assert_eq!(findings("crates/core/src/a.rs", text), []);
    }

    #[test]
    fn unsafe_has_a_home() {
        assert!(findings("crates/unix/src/a.rs", "fn f() { unsafe { g() } }\n").is_empty());
        assert_eq!(findings("tests/e2e/src/a.rs", "fn f() { unsafe { g() } }\n").len(), 1);
    }
}
