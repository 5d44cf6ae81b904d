//! HTTP/1.1 as far as the server speaks it: bytes to a request, an answer to bytes. Refuses
//! whatever it does not know, and to read or write.

use std::time::Duration;

use anyhow::{Context, bail};

/// The most bytes of a request that are kept.
const REQUEST_LIMIT_BYTES: usize = 1024 * 1024;

/// The most fields in the head of a request.
const FIELD_LIMIT: usize = 16;

/// What has come on a connection and was not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
}

/// A whole request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) asks: Asks,
    /// Whether the client wants the connection to be closed after the answer.
    pub(crate) closes: bool,
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Who answers, after a while.
    Who { delay: Duration },
    /// These bytes back.
    Echo(Vec<u8>),
}

impl Inbox {
    /// Takes in what came.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next request, if it is whole.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Request>> {
        let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
        let mut head = httparse::Request::new(&mut fields);
        let head_bytes = match head.parse(&self.bytes)? {
            httparse::Status::Complete(length_bytes) => length_bytes,
            httparse::Status::Partial => return self.incomplete(),
        };
        let field = |name: &str| head.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        let body_bytes: usize = match field("content-length") {
            Some(field) => std::str::from_utf8(field.value)?.parse()?,
            None => 0,
        };
        let closes = field("connection").is_some_and(|field| field.value == b"close");
        let Some(body) = self.bytes.get(head_bytes..head_bytes + body_bytes) else {
            return self.incomplete();
        };
        let asks = match (head.method, head.path) {
            (Some("GET"), Some(path)) => Asks::Who { delay: delay(path)? },
            (Some("POST"), Some(_)) => Asks::Echo(body.to_vec()),
            other => bail!("not spoken here: {other:?}"),
        };
        self.bytes.drain(..head_bytes + body_bytes);
        Ok(Some(Request { asks, closes }))
    }

    fn incomplete(&self) -> anyhow::Result<Option<Request>> {
        if self.bytes.len() > REQUEST_LIMIT_BYTES {
            bail!("a request of more than {REQUEST_LIMIT_BYTES} bytes");
        }
        Ok(None)
    }
}

fn delay(path: &str) -> anyhow::Result<Duration> {
    match path.strip_prefix("/slow?ms=") {
        Some(delay_ms) => Ok(Duration::from_millis(delay_ms.parse().context("read the delay")?)),
        None => Ok(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_however_they_are_cut() {
        let bytes = b"GET /slow?ms=5 HTTP/1.1\r\n\r\n\
                      POST /echo HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
        for size in 1..bytes.len() {
            let mut inbox = Inbox::default();
            let mut found = Vec::new();
            for chunk in bytes.chunks(size) {
                inbox.extend(chunk);
                found.extend(std::iter::from_fn(|| inbox.next().unwrap()));
            }
            let delay = Duration::from_millis(5);
            let slow = Request { asks: Asks::Who { delay }, closes: false };
            let echo = Request { asks: Asks::Echo(b"abc".to_vec()), closes: true };
            assert_eq!(found, [slow, echo], "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_spoken_is_refused() {
        for bytes in [&b"PUT / HTTP/1.1\r\n\r\n"[..], b"\0", b"GET /slow?ms=x HTTP/1.1\r\n\r\n"] {
            let mut inbox = Inbox::default();
            inbox.extend(bytes);
            inbox.next().unwrap_err();
        }
    }
}
