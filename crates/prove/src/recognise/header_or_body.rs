//! The way in which servers are recognised if nobody says how. Owns the names that they are known
//! by; refuses to look elsewhere.

use super::field::ByField;
use super::{Answer, Recognise, Responder, number};

const GENERATION: &str = "x-generation";
const PID: &str = "x-pid";

/// The default: the fields `x-generation` and, if it is there, `x-pid`; else a body that contains
/// `pid N generation G`; else `x-pid` alone, as [`ByField`] has it.
#[derive(Debug)]
pub struct ByHeaderOrBody {
    by_pid: ByField,
}

impl Default for ByHeaderOrBody {
    fn default() -> Self {
        Self { by_pid: ByField::new(PID) }
    }
}

impl Recognise for ByHeaderOrBody {
    fn recognise(&self, answer: &Answer<'_>) -> Option<Responder> {
        let with_generation = by_header(answer).or_else(|| by_body(answer.body()));
        let by_pid = || {
            answer.header(PID).and_then(number)?;
            self.by_pid.recognise(answer)
        };
        with_generation.or_else(by_pid)
    }
}

fn by_header(answer: &Answer<'_>) -> Option<Responder> {
    let generation = answer.header(GENERATION).and_then(number)?;
    let pid = answer.header(PID).and_then(number);
    Some(Responder { generation, pid: pid.and_then(|pid| u32::try_from(pid).ok()) })
}

fn by_body(body: &[u8]) -> Option<Responder> {
    let mut words = body.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        if word != b"pid" {
            continue;
        }
        let Some(pid) = words.peek().copied().and_then(number) else {
            continue;
        };
        words.next();
        if words.peek() != Some(&b"generation".as_slice()) {
            continue;
        }
        words.next();
        if let Some(generation) = words.peek().copied().and_then(leading_number) {
            return Some(Responder { generation, pid: u32::try_from(pid).ok() });
        }
    }
    None
}

/// The digits at the start: a sentence may end after the number.
fn leading_number(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    number(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_default(head: &str, body: &str) -> Option<Responder> {
        let answer = Answer::new(head.as_bytes(), 200, body.as_bytes());
        ByHeaderOrBody::default().recognise(&answer)
    }

    #[test]
    fn the_body_names_pid_and_generation() {
        let found = Some(Responder { generation: 3, pid: Some(42) });
        for body in [
            "pid 42 generation 3",
            "hello from pid 42 generation 3\n",
            "pid pid 42 generation 3, up 2 s",
            "pid 7 pid 42  generation\t3.",
        ] {
            assert_eq!(by_default("HTTP/1.1 200 OK\r\n\r\n", body), found, "{body}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_recognised() {
        for body in ["", "pid", "pid x generation 3", "pid 4 generation", "generation 3 pid 4"] {
            assert_eq!(by_default("HTTP/1.1 200 OK\r\n\r\n", body), None, "{body}");
        }
    }

    #[test]
    fn fields_go_before_the_body() {
        let head = "HTTP/1.1 200 OK\r\nX-Generation:  8 \r\nx-pid: 9\r\n\r\n";
        let found = by_default(head, "pid 1 generation 2");
        assert_eq!(found, Some(Responder { generation: 8, pid: Some(9) }));
        let found = by_default("HTTP/1.1 200 OK\r\nx-generation: 8\r\n\r\n", "");
        assert_eq!(found, Some(Responder { generation: 8, pid: None }));
    }

    #[test]
    fn a_pid_alone_is_enough() {
        let by = ByHeaderOrBody::default();
        let found = |line: &str| {
            let head = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
            by.recognise(&Answer::new(head.as_bytes(), 200, b"hello"))
        };
        assert_eq!(found("x-pid: 900"), Some(Responder { generation: 1, pid: Some(900) }));
        assert_eq!(found("X-Pid: 12"), Some(Responder { generation: 2, pid: Some(12) }));
        assert_eq!(found("x-pid: 900"), Some(Responder { generation: 1, pid: Some(900) }));
        assert_eq!(found("x-pid: none"), None);
    }
}
