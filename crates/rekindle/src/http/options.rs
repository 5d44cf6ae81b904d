//! The settings of HTTP on one listener.

use std::time::Duration;

use crate::http::parked::Protocols;
#[cfg(feature = "tls")]
use crate::http::tls::{Handshakes, Tickets, Tls};

/// How HTTP is served on a listener. Everything has a default that works; see each method for it.
///
/// ```
/// use std::time::Duration;
/// use rekindle::http::HttpOptions;
///
/// let options = HttpOptions::new()
///     .idle_timeout(Duration::from_secs(20))
///     .request_timeout(Duration::from_secs(60))
///     .max_connections(10_000);
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use = "settings do nothing before `serve_with`"]
pub struct HttpOptions {
    pub(crate) header_read_timeout: Option<Duration>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_head_size: usize,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) nodelay: bool,
    pub(crate) tcp_keepalive: Option<Duration>,
    http1: bool,
    http2: bool,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// hyper reads in pieces of this size, and parses no sooner.
const LEAST_HEAD_BYTES: usize = 8 * 1024;

impl HttpOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            header_read_timeout: Some(Duration::from_secs(30)),
            request_timeout: None,
            idle_timeout: Some(Duration::from_secs(75)),
            max_head_size: 32 * 1024,
            max_connections: None,
            max_concurrent_streams: 200,
            nodelay: true,
            tcp_keepalive: None,
            http1: true,
            http2: true,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// How long a request's head may take from its first byte to its last, before the connection
    /// is closed. Default: 30 s, which no honest client needs, and which is less than the drain
    /// timeout: a client that drips a head never holds an upgrade up. `None` waits for ever.
    pub fn header_read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.header_read_timeout = timeout.into();
        self
    }

    /// How long a request's body may take, from the end of the head on. After that the program
    /// reads an error from the body instead of the rest of it. Default: `None`, since only the
    /// program knows how large its uploads are.
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = timeout.into();
        self
    }

    /// How long a connection may wait for the first byte of a first or next request, before it is
    /// closed. Default: 75 s, a little more than proxies keep theirs, so that it is they who close.
    /// It starts anew in the process that a connection moves to. `None` waits for ever.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// The most bytes of a request's head, at least 8 KiB; a larger one is answered by 431.
    /// Default: 32 KiB. A connection whose head is half there moves with what is there, up to
    /// 48 KiB: with a larger limit than that it may have to stay behind.
    pub const fn max_head_size(mut self, bytes: usize) -> Self {
        self.max_head_size = if bytes < LEAST_HEAD_BYTES { LEAST_HEAD_BYTES } else { bytes };
        self
    }

    /// The most connections at once, at least 1: while there are so many, new ones wait in the
    /// listener's queue. Those that an older process moves here count, and are never turned away;
    /// so do those that were [`upgraded`](crate::http::upgraded), until they are closed or handed
    /// over. Those that an older process hands over to this one do not count. Default: `None`, no
    /// limit but that on descriptors.
    pub fn max_connections(mut self, connections: impl Into<Option<usize>>) -> Self {
        self.max_connections = connections.into().map(|connections| connections.max(1));
        self
    }

    /// The most streams at once on an HTTP/2 connection. Default: 200.
    pub const fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// `TCP_NODELAY` on accepted connections: responses are not held back for more. Default: on.
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// TCP keep-alive probes once a connection was silent for this long, at least 1 s. They find
    /// clients that vanished. Default: `None`, since the idle timeout finds most of them.
    pub fn tcp_keepalive(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.tcp_keepalive = silence.into();
        self
    }

    /// Whether HTTP/1.1 is served. Default: on. It is on whatever is said here if HTTP/2 is off.
    pub const fn http1(mut self, http1: bool) -> Self {
        self.http1 = http1;
        self
    }

    /// Whether HTTP/2 is served: without TLS by prior knowledge. Default: on.
    pub const fn http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// TLS on the listener, with HTTP/2 preferred. Default: none.
    ///
    /// A handshake may take as long as [a head](Self::header_read_timeout). Connections over TLS do
    /// not move at an upgrade: see [`Tls`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same settings, with the session tickets of this process if there is TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tickets(mut self, tickets: impl FnOnce() -> Tickets) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.set_tickets(tickets());
        }
        self
    }

    /// What makes handshakes on the listener, if there is TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn handshakes(&self) -> Option<Handshakes> {
        let config = self.tls.as_ref()?.config(self.speaks_http1(), self.http2);
        Some(Handshakes::new(config, self.header_read_timeout))
    }

    /// Whether connections may speak HTTP/1.1 over a stream that can move.
    pub(crate) const fn can_move(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        self.speaks_http1()
    }

    /// What may be spoken.
    pub(crate) const fn protocols(&self) -> Protocols {
        match (self.speaks_http1(), self.http2) {
            (true, true) => Protocols::Either,
            (false, _) => Protocols::Http2,
            (true, false) => Protocols::Http1,
        }
    }

    /// A listener that speaks nothing is none.
    const fn speaks_http1(&self) -> bool {
        self.http1 || !self.http2
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_speaks_something_and_has_room_for_somebody() {
        let options = HttpOptions::new().http1(false).http2(false).max_connections(0);
        assert_eq!(options.protocols(), Protocols::Http1);
        assert!(options.can_move());
        assert_eq!(options.max_connections, Some(1));
        assert_eq!(HttpOptions::new().http1(false).protocols(), Protocols::Http2);
        assert!(!HttpOptions::new().http1(false).can_move());
    }
}
