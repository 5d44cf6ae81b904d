//! Where connections arrive that the program of an older process handed over: what both faces do.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tracing::warn;

use crate::connection::Connection;
use crate::moves::{Arrival, Mailbox, Outbox};
use crate::shared::Shared;
use crate::tracker::Tracker;

/// A mailbox, and what it takes to make connections of what is in it. Dropped, it takes no more.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) mailbox: Mailbox,
    tracker: Tracker,
    outbox: Outbox,
}

impl Reception {
    pub(crate) fn new(mailbox: Mailbox, shared: &Shared) -> Self {
        let (tracker, outbox) = (shared.tracker.clone(), shared.outbox.clone());
        Self { mailbox, tracker, outbox }
    }

    /// The connection that arrived, and the words that go with it; none if this system cannot
    /// serve it.
    pub(crate) fn connection<S: AsFd + 'static>(
        &self,
        arrival: Arrival,
        from_descriptor: impl FnOnce(OwnedFd) -> io::Result<S>,
    ) -> Option<(Connection<S>, Vec<u8>)> {
        let Arrival { descriptor, peer, guard, bytes } = arrival;
        match from_descriptor(descriptor) {
            Ok(stream) => {
                let connection = Connection::new(stream, peer, guard, &self.tracker, &self.outbox);
                Some((connection, bytes))
            }
            Err(error) => {
                let name = &self.mailbox.receiver().name;
                warn!(%name, %error, "a connection that was handed over cannot be served");
                None
            }
        }
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        self.mailbox.abandon();
    }
}
