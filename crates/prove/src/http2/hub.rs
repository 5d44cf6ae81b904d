//! The connection that some lanes share, and the next one after it. Owns who opens it: one lane at
//! a time, and what that lane meets is counted as its own.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::flow::Flow;
use crate::http2::link::Link;
use crate::stream::Stream;
use crate::wrong::WrongAnswer;

/// Where the lanes of one connection meet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<Option<Arc<Link>>>>);

/// A lane that has come to the hub.
#[derive(Debug)]
pub(crate) enum Joined {
    /// There is a connection.
    Link(Arc<Link>),
    /// It opened one, and has still to begin HTTP/2 on it. Others wait for that.
    Opened(Opening),
}

/// A connection on which nothing has been said.
#[derive(Debug)]
pub(crate) struct Opening {
    stream: Stream,
    local_port: Option<u16>,
    place: OwnedMutexGuard<Option<Arc<Link>>>,
}

impl Hub {
    /// Waits for whoever opens a connection, and opens one if there is none then.
    pub(crate) async fn join(&self, connector: &Connector) -> Result<Joined, Fault> {
        let place = Arc::clone(&self.0).lock_owned().await;
        match &*place {
            Some(link) if link.is_usable() => Ok(Joined::Link(Arc::clone(link))),
            Some(_) | None => {
                let connected = connector.connect().await?;
                let (stream, local_port) = (connected.stream, connected.local_port);
                Ok(Joined::Opened(Opening { stream, local_port, place }))
            }
        }
    }
}

impl Opening {
    pub(crate) fn local_port(&self) -> Option<u16> {
        self.local_port
    }

    /// TLS if there is any, then HTTP/2. Over TLS it is spoken only if the server chose it (RFC
    /// 9113 §3.2): one that did not would take it for a broken HTTP/1.1.
    pub(crate) async fn greet(mut self, phase: &mut Phase, flow: Flow) -> Result<Arc<Link>, Fault> {
        self.stream.greet(phase).await?;
        if !self.stream.speaks(b"h2") {
            return Err(WrongAnswer::NotChosen.into());
        }
        let link = Arc::new(Link::new(self.stream, self.local_port, flow).await?);
        *self.place = Some(Arc::clone(&link));
        Ok(link)
    }
}
