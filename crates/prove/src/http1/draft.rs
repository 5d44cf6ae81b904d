//! The bytes of the requests of one client over HTTP/1.1. Refuses to send them.

use std::io::Write as _;

use crate::endpoint::Endpoint;
use crate::group::Group;
use crate::numbered::Numbered;
use crate::request::Request;

/// The requests of one client, one after another: the head is made once, each body in place.
#[derive(Debug)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Unique { at: usize, numbered: Numbered },
}

impl Draft {
    /// `client` is a number that no other client of the load has.
    pub(crate) fn new(group: &Group, endpoint: &Endpoint, client: u64) -> Self {
        let length = match &group.request {
            Request::Get { .. } => None,
            request @ (Request::Post { .. } | Request::Message { .. }) => {
                Some(request.content_bytes())
            }
        };
        let mut bytes = head(group, endpoint, length);
        let body = match length {
            None => Body::None,
            Some(length) => {
                let at = bytes.len();
                bytes.resize(at + length, 0);
                Body::Unique { at, numbered: Numbered::new(client) }
            }
        };
        Self { bytes, body }
    }

    /// Makes the next request.
    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        if let Body::Unique { at, numbered } = &mut self.body {
            numbered.fill(&mut self.bytes[*at..], random);
        }
    }

    /// The whole request.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the answer's body must be, if it must be anything.
    pub(crate) fn echo(&self) -> Option<&[u8]> {
        match self.body {
            Body::None => None,
            Body::Unique { at, .. } => Some(&self.bytes[at..]),
        }
    }
}

/// The head of every request; `length` is that of its body.
fn head(group: &Group, endpoint: &Endpoint, length: Option<usize>) -> Vec<u8> {
    let method = if length.is_some() { "POST" } else { "GET" };
    let path = group.request.path();
    let connection = if group.mode.is_kept() { "keep-alive" } else { "close" };
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: {connection}\r\n",
        host = endpoint.host()
    )
    .into_bytes();
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        write!(head, "{name}: {value}\r\n").expect("a vector takes every write");
    };
    if !endpoint.has_field("user-agent") {
        add("user-agent", &"rekindle-prove");
    }
    if let Some(length) = length {
        if !endpoint.has_field("content-type") {
            add("content-type", &"application/octet-stream");
        }
        add("content-length", &length);
    }
    for field in endpoint.fields() {
        add(&field.name, &field.value);
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Mode;
    use crate::target::Target;

    fn endpoint() -> Endpoint {
        Target::Tcp(([127, 0, 0, 1], 80).into()).into()
    }

    fn draft(mode: Mode, request: Request, endpoint: &Endpoint) -> Draft {
        let mut draft = Draft::new(&Group::new(mode, request), endpoint, 9);
        draft.renew(&mut fastrand::Rng::with_seed(1));
        draft
    }

    #[test]
    fn a_get_says_whether_its_connection_is_kept() {
        let kept = draft(Mode::Keep, Request::get("/x?y"), &endpoint());
        let text = std::str::from_utf8(kept.bytes()).unwrap();
        assert!(text.starts_with("GET /x?y HTTP/1.1\r\nhost: 127.0.0.1:80\r\n"), "{text}");
        assert!(text.contains("\r\nconnection: keep-alive\r\n"), "{text}");
        assert_eq!(kept.echo(), None);
        let last = draft(Mode::New, Request::get("/"), &endpoint());
        let text = std::str::from_utf8(last.bytes()).unwrap();
        assert!(text.contains("\r\nconnection: close\r\n") && text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn a_post_has_its_body_after_its_head() {
        let draft = draft(Mode::Keep, Request::post("/echo", 100), &endpoint());
        let echo = draft.echo().unwrap();
        assert_eq!(echo.len(), 100);
        assert!(draft.bytes().ends_with(echo));
        let head = &draft.bytes()[..draft.bytes().len() - 100];
        assert!(head.ends_with(b"\r\ncontent-length: 100\r\n\r\n"));
        assert!(echo[16..].iter().any(|byte| *byte != 0));
    }

    #[test]
    fn small_bodies_are_as_long_as_asked() {
        for length in [0, 1, 15, 16, 17] {
            let draft = draft(Mode::Keep, Request::post("/", length), &endpoint());
            assert_eq!(draft.echo().unwrap().len(), length);
        }
    }

    #[test]
    fn fields_of_the_caller_are_sent_once() {
        let endpoint = endpoint().authority("example.org").field("User-Agent", "a/1");
        let endpoint = endpoint.field("x-a", "1").field("x-a", "2");
        let draft = draft(Mode::Keep, Request::get("/"), &endpoint);
        let text = std::str::from_utf8(draft.bytes()).unwrap();
        assert!(text.starts_with("GET / HTTP/1.1\r\nhost: example.org\r\n"), "{text}");
        assert!(text.ends_with("User-Agent: a/1\r\nx-a: 1\r\nx-a: 2\r\n\r\n"), "{text}");
        assert_eq!(text.to_ascii_lowercase().matches("user-agent").count(), 1);
    }
}
