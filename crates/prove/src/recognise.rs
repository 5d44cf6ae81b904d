//! Who answered. Owns the view of an answer; refuses to recognise in it, and to count.

pub(crate) mod field;
pub(crate) mod header_or_body;
mod order;
pub(crate) mod pattern;
pub(crate) mod processes;
pub(crate) mod recognition;
pub(crate) mod sockets;

use std::fmt;

use serde::Serialize;

/// How many bytes of a body are shown to a recogniser.
pub(crate) const BODY_SHOWN_BYTES: usize = 4 * 1024;

/// One process of the service under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Responder {
    /// The generation that the process calls itself.
    pub generation: u64,
    /// The process, if it said so.
    pub pid: Option<u32>,
}

/// Tells from an answer which process gave it. Called for each right answer, in the hot path.
///
/// Closures do: `plan.recognise(|answer: &Answer<'_>| …)`.
pub trait Recognise: Send + Sync + 'static {
    /// The process that gave this answer, or `None` if it does not say.
    fn recognise(&self, answer: &Answer<'_>) -> Option<Responder>;
}

impl<F> Recognise for F
where
    F: Fn(&Answer<'_>) -> Option<Responder> + Send + Sync + 'static,
{
    fn recognise(&self, answer: &Answer<'_>) -> Option<Responder> {
        self(answer)
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A whole and right answer, as a recogniser sees it.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    head: &'a [u8],
    status: u16,
    body: &'a [u8],
}

impl<'a> Answer<'a> {
    pub(crate) fn new(head: &'a [u8], status: u16, body: &'a [u8]) -> Self {
        Self { head, status, body }
    }

    /// The status code, 200 to 299.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first field of this name, without the white space around it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        // The head was parsed before, so that looking through its lines is enough.
        self.head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
            let (found, rest) = line.split_at_checked(name.len())?;
            let value = rest.strip_prefix(b":")?;
            found.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
        })
    }

    /// The body, of which no more than the first 4 KiB are shown. Empty for an echo: it says
    /// nothing that the client did not say.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("head", &String::from_utf8_lossy(self.head))
            .field("body", &String::from_utf8_lossy(self.body))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let head = b"HTTP/1.1 200 x-a: no\r\nx-ab: 1\r\nX-A:2\r\nx-a: 3\r\n\r\n";
        let answer = Answer::new(head, 200, b"");
        assert_eq!(answer.header("x-a"), Some(b"2".as_slice()));
        assert_eq!(answer.header("x-abc"), None);
    }

    #[test]
    fn a_closure_recognises() {
        let recognise = |answer: &Answer<'_>| {
            Some(Responder { generation: answer.body().len() as u64, pid: None })
        };
        let answer = Answer::new(b"", 204, b"1234");
        assert_eq!(recognise.recognise(&answer).unwrap().generation, 4);
        assert_eq!(answer.status(), 204);
    }
}
