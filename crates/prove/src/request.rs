//! What is asked. Owns the request and its bytes on the wire; refuses to send them.

use std::fmt;
use std::io::Write as _;

use crate::target::Target;

/// A request that the connections of a group send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// `GET`: any sound 2xx answer is right.
    Get {
        /// The request target: visible ASCII that begins with `/`.
        path: String,
    },
    /// `POST` with a body that no other request of the load has; a right answer is that body, byte
    /// for byte.
    Post {
        /// The request target: visible ASCII that begins with `/`.
        path: String,
        /// The length of each body. The first 16 bytes make it unique, the rest is pseudo-random.
        body_bytes: usize,
    },
}

impl Request {
    /// A `GET` of this path.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::Get { path: path.into() }
    }

    /// A `POST` of bodies of this length to a path that echoes them.
    #[must_use]
    pub fn post(path: impl Into<String>, body_bytes: usize) -> Self {
        Self::Post { path: path.into(), body_bytes }
    }

    /// The request target.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Get { path } | Self::Post { path, .. } => path,
        }
    }

    /// Whether the path can stand in a request line (RFC 9112 §3.2.1).
    pub(crate) fn has_sound_path(&self) -> bool {
        let path = self.path();
        path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { path } => write!(formatter, "GET {path}"),
            Self::Post { path, body_bytes } => {
                write!(formatter, "POST {path} ({body_bytes} bytes)")
            }
        }
    }
}

/// The bytes of the requests of one connection: the head is made once, each body in place.
#[derive(Debug)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Unique { at: usize, client: u64, sequence: u64 },
}

impl Draft {
    /// `client` is a number that no other connection of the load has.
    pub(crate) fn new(request: &Request, target: &Target, keeps: bool, client: u64) -> Self {
        let connection = if keeps { "keep-alive" } else { "close" };
        let host = target.host();
        let mut bytes = Vec::new();
        let (method, length) = match request {
            Request::Get { .. } => ("GET", None),
            Request::Post { body_bytes, .. } => ("POST", Some(*body_bytes)),
        };
        write!(
            bytes,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: rekindle-prove\r\n\
             connection: {connection}\r\n",
            path = request.path()
        )
        .expect("a vector takes every write");
        let body = match length {
            None => {
                bytes.extend_from_slice(b"\r\n");
                Body::None
            }
            Some(length) => {
                let fields = "content-type: application/octet-stream\r\ncontent-length";
                write!(bytes, "{fields}: {length}\r\n\r\n").expect("a vector takes every write");
                let at = bytes.len();
                bytes.resize(at + length, 0);
                Body::Unique { at, client, sequence: 0 }
            }
        };
        Self { bytes, body }
    }

    /// Makes the next request.
    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        let Body::Unique { at, client, sequence } = &mut self.body else {
            return;
        };
        *sequence += 1;
        let mut stamp = [0; 16];
        stamp[..8].copy_from_slice(&sequence.to_le_bytes());
        stamp[8..].copy_from_slice(&client.to_le_bytes());
        let body = &mut self.bytes[*at..];
        let stamped = body.len().min(stamp.len());
        body[..stamped].copy_from_slice(&stamp[..stamped]);
        random.fill(&mut body[stamped..]);
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn target() -> Target {
        Target::Tcp(([127, 0, 0, 1], 80).into())
    }

    #[test]
    fn a_get_says_whether_its_connection_is_kept() {
        let kept = Draft::new(&Request::get("/x?y"), &target(), true, 0);
        let text = std::str::from_utf8(kept.bytes()).unwrap();
        assert!(text.starts_with("GET /x?y HTTP/1.1\r\nhost: 127.0.0.1:80\r\n"), "{text}");
        assert!(text.ends_with("\r\nconnection: keep-alive\r\n\r\n"), "{text}");
        assert_eq!(kept.echo(), None);
        let last = Draft::new(&Request::get("/"), &target(), false, 0);
        assert!(last.bytes().ends_with(b"\r\nconnection: close\r\n\r\n"));
    }

    #[test]
    fn a_post_has_its_body_after_its_head() {
        let mut draft = Draft::new(&Request::post("/echo", 100), &target(), true, 9);
        draft.renew(&mut fastrand::Rng::with_seed(1));
        let echo = draft.echo().unwrap();
        assert_eq!(echo.len(), 100);
        assert!(draft.bytes().ends_with(echo));
        let head = &draft.bytes()[..draft.bytes().len() - 100];
        assert!(head.ends_with(b"\r\ncontent-length: 100\r\n\r\n"));
        assert!(echo[16..].iter().any(|byte| *byte != 0));
    }

    #[test]
    fn bodies_are_unique_over_requests_and_clients() {
        let mut bodies = HashSet::new();
        for client in 0..4 {
            // One seed for all: what makes them unique is the stamp.
            let mut random = fastrand::Rng::with_seed(5);
            let mut draft = Draft::new(&Request::post("/", 16), &target(), true, client);
            for _ in 0..100 {
                draft.renew(&mut random);
                assert!(bodies.insert(draft.echo().unwrap().to_vec()));
            }
        }
    }

    #[test]
    fn small_bodies_are_as_long_as_asked() {
        for length in [0, 1, 15, 16, 17] {
            let mut draft = Draft::new(&Request::post("/", length), &target(), true, 0);
            draft.renew(&mut fastrand::Rng::with_seed(1));
            assert_eq!(draft.echo().unwrap().len(), length);
        }
    }

    #[test]
    fn a_path_cannot_smuggle_a_second_request() {
        assert!(Request::get("/a/b?c=%20").has_sound_path());
        for path in ["", "a", "/a b", "/a\r\nx: y", "/a#b", "/é"] {
            assert!(!Request::get(path).has_sound_path(), "{path:?}");
        }
    }
}
