//! What is asked. Owns the kinds of requests; refuses to put them into bytes: each protocol does.

use std::fmt;

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
    /// A binary message that no other request of the load has; a right answer is that message, byte
    /// for byte. For [`Protocol::WebSocket`](crate::Protocol::WebSocket),
    /// [`Protocol::Echo`](crate::Protocol::Echo) and
    /// [`Protocol::Datagrams`](crate::Protocol::Datagrams).
    Message {
        /// The request target of a WebSocket's handshake: visible ASCII that begins with `/`. The
        /// others do not use it.
        path: String,
        /// The length of each message, at least 16 bytes: these number it, the rest is
        /// pseudo-random.
        message_bytes: usize,
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

    /// A message of this length. The path is that of a WebSocket's handshake.
    #[must_use]
    pub fn message(path: impl Into<String>, message_bytes: usize) -> Self {
        Self::Message { path: path.into(), message_bytes }
    }

    /// The request target.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Get { path } | Self::Post { path, .. } | Self::Message { path, .. } => path,
        }
    }

    /// How many bytes each request has that no other has.
    pub(crate) fn content_bytes(&self) -> usize {
        match self {
            Self::Get { .. } => 0,
            Self::Post { body_bytes: length, .. } | Self::Message { message_bytes: length, .. } => {
                *length
            }
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
            Self::Message { path, message_bytes } => {
                write!(formatter, "message {path} ({message_bytes} bytes)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_smuggle_a_second_request() {
        assert!(Request::get("/a/b?c=%20").has_sound_path());
        for path in ["", "a", "/a b", "/a\r\nx: y", "/a#b", "/é"] {
            assert!(!Request::get(path).has_sound_path(), "{path:?}");
        }
    }

    #[test]
    fn requests_are_told_in_words() {
        assert_eq!(Request::get("/a").to_string(), "GET /a");
        assert_eq!(Request::post("/a", 3).to_string(), "POST /a (3 bytes)");
        assert_eq!(Request::message("/ws", 64).to_string(), "message /ws (64 bytes)");
    }
}
