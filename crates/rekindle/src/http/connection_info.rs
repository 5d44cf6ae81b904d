//! What a program is told of the connection that a request came on.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::http::course::{Course, departed};
use crate::moves::Outbox;
use crate::tracker::Tracker;

/// The connection that a request came on. It is in each request's extensions, and its clones are
/// the same one.
///
/// ```
/// use axum::Extension;
/// use rekindle::http::ConnectionInfo;
///
/// async fn hello(Extension(connection): Extension<ConnectionInfo>) -> String {
///     format!("hello {:?} on `{}`\n", connection.peer(), connection.listener())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(hello));
/// ```
#[derive(Clone)]
pub struct ConnectionInfo {
    inner: Arc<Inner>,
}

struct Inner {
    place: Arc<Place>,
    peer: Option<SocketAddr>,
    origin: Origin,
}

/// Where a connection is served: what those of one listener have in common.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) listener: String,
    pub(crate) course: watch::Receiver<Course>,
    pub(crate) tracker: Tracker,
    pub(crate) outbox: Outbox,
}

/// How a connection came into this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Accepted,
    Moved,
}

impl ConnectionInfo {
    pub(crate) fn new(place: &Arc<Place>, peer: Option<SocketAddr>, origin: Origin) -> Self {
        Self { inner: Arc::new(Inner { place: Arc::clone(place), peer, origin }) }
    }

    /// The name of the listener that the client connected to.
    #[must_use]
    pub fn listener(&self) -> &str {
        &self.inner.place.listener
    }

    /// The client's address; none if it has no internet address. It is the same in every process
    /// that the connection moves to.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.inner.peer
    }

    /// Whether an older process accepted the connection and moved it to this one.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.inner.origin == Origin::Moved
    }

    /// Waits until this process has been replaced or stops: the moment for a handler that never
    /// ends of itself (server-sent events, a WebSocket) to say goodbye to its client. If it does
    /// not, it goes on until the drain deadline.
    pub async fn draining(&self) {
        departed(self.inner.place.course.clone()).await;
    }

    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.inner.place
    }

    /// Puts it where handlers look for it.
    #[inline]
    pub(crate) fn introduce(&self, extensions: &mut http::Extensions) {
        extensions.insert(self.clone());
        #[cfg(feature = "axum")]
        if let Some(peer) = self.inner.peer {
            extensions.insert(axum::extract::ConnectInfo(peer));
        }
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { place, peer, origin } = &*self.inner;
        formatter
            .debug_struct("ConnectionInfo")
            .field("listener", &place.listener)
            .field("peer", peer)
            .field("origin", origin)
            .finish()
    }
}
