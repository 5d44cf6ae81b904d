//! What is spoken on a connection. Refuses to speak it: `conversation` does.

use std::fmt;

use serde::{Serialize, Serializer};

/// What the connections of a group speak.
///
/// Over a [`Tls`](crate::Tls) endpoint the client offers the name that belongs to it (ALPN):
/// `http/1.1` for HTTP/1.1 and WebSocket, `h2` for HTTP/2, none for the echo.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1, one request at a time.
    #[default]
    Http1,
    /// HTTP/2; without TLS the client begins with it at once (prior knowledge, RFC 9113 §3.3). One
    /// request is under way on a connection until the server has said how many it allows.
    Http2 {
        /// How many requests are under way on a connection at the same time.
        streams: usize,
    },
    /// WebSocket (RFC 6455): numbered binary messages, each of which comes back once, in order,
    /// byte for byte.
    WebSocket,
    /// Numbered messages on a byte stream, each of which comes back once, byte for byte.
    Echo,
    /// Numbered messages over UDP, each of which comes back once, byte for byte.
    Datagrams,
}

impl Protocol {
    /// Whether it asks by [`Request::Message`](crate::Request::Message), and not by HTTP.
    pub(crate) fn takes_messages(self) -> bool {
        match self {
            Self::Http1 | Self::Http2 { .. } => false,
            Self::WebSocket | Self::Echo | Self::Datagrams => true,
        }
    }

    /// How many requests are under way on a connection at the same time.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Http2 { streams } => streams,
            Self::Http1 | Self::WebSocket | Self::Echo | Self::Datagrams => 1,
        }
    }

    /// What is offered in a TLS handshake (RFC 7301).
    pub(crate) fn alpn(self) -> Option<&'static [u8]> {
        match self {
            Self::Http1 | Self::WebSocket => Some(b"http/1.1"),
            Self::Http2 { .. } => Some(b"h2"),
            Self::Echo | Self::Datagrams => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 { .. } => "HTTP/2",
            Self::WebSocket => "WebSocket",
            Self::Echo => "echo",
            Self::Datagrams => "datagrams",
        })
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
