//! A server that is recognised by a pattern in the body. Refuses to look elsewhere.

use regex::bytes::{Regex, RegexBuilder};

use super::order::Order;
use super::{Answer, Recognise, Responder, number};

/// How much memory a pattern may become.
const PATTERN_BYTES: usize = 1 << 20;

/// Recognises by what a regular expression finds in the first 4 KiB of a body: another text is
/// another process.
///
/// The text is that of the group named `pid`, which then is the pid; else that of the first group;
/// else of the whole match. A number which is no pid is the generation; otherwise generations are
/// counted from 1 in the order in which the texts first came. The last 4,096 texts are remembered.
/// Classes such as `\d` are of ASCII.
#[derive(Debug)]
pub struct ByPattern {
    pattern: Regex,
    group: usize,
    says_pid: bool,
    order: Order,
}

impl ByPattern {
    /// By this regular expression, in the syntax of the crate `regex`.
    ///
    /// # Errors
    /// If it is none.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let compiled = RegexBuilder::new(pattern).unicode(false).size_limit(PATTERN_BYTES).build();
        let pattern =
            compiled.map_err(|source| PatternError { pattern: pattern.to_owned(), source })?;
        let pid_group = pattern.capture_names().position(|name| name == Some("pid"));
        let group = pid_group.unwrap_or(usize::from(pattern.captures_len() > 1));
        Ok(Self { pattern, group, says_pid: pid_group.is_some(), order: Order::default() })
    }
}

impl Recognise for ByPattern {
    fn recognise(&self, answer: &Answer<'_>) -> Option<Responder> {
        let found = self.pattern.captures(answer.body())?;
        let text = found.get(self.group)?.as_bytes();
        if self.says_pid {
            let pid = number(text).and_then(|pid| u32::try_from(pid).ok());
            return Some(Responder { generation: self.order.place(text), pid });
        }
        let generation = number(text).unwrap_or_else(|| self.order.place(text));
        Some(Responder { generation, pid: None })
    }
}

/// A text that is no regular expression.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("recognise by `{pattern}`: {source}")]
pub struct PatternError {
    pattern: String,
    source: regex::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(by: &ByPattern, body: &str) -> Option<Responder> {
        by.recognise(&Answer::new(b"", 200, body.as_bytes()))
    }

    #[test]
    fn the_first_group_counts_else_the_whole_match() {
        let by = ByPattern::new(r"(?i)worker (\d+) of (\d+)").unwrap();
        assert_eq!(found(&by, "WORKER 12 of 4\n"), Some(Responder { generation: 12, pid: None }));
        assert_eq!(found(&by, "worker x of 4"), None);
        let by = ByPattern::new("v[0-9.]+").unwrap();
        let generations =
            ["v1.2", "v1.3", "is v1.2"].map(|body| found(&by, body).unwrap().generation);
        assert_eq!(generations, [1, 2, 1]);
    }

    #[test]
    fn the_group_named_pid_is_the_pid() {
        let by = ByPattern::new(r"(a|b) in process (?<pid>\d+)").unwrap();
        let of = |generation, pid| Some(Responder { generation, pid: Some(pid) });
        assert_eq!(found(&by, "a in process 40"), of(1, 40));
        assert_eq!(found(&by, "b in process 41"), of(2, 41));
        assert_eq!(found(&by, "b in process 40"), of(1, 40));
    }

    #[test]
    fn what_is_no_expression_says_where() {
        let error = ByPattern::new("a(b").unwrap_err().to_string();
        assert!(error.starts_with("recognise by `a(b`: regex parse error"), "{error}");
        assert!(error.contains("unclosed group"), "{error}");
    }
}
