//! One connection handed over by the program: what both faces do.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rekindle_core::{MoveRefusal, MovedEntry, Receiver, Text};

use crate::connection::{Connection, Parts, Seat};
use crate::moves::{GivenBack, Outbox, PROGRAM, Promise};

/// A connection was not handed over: it is still this process's, or lost to it.
#[non_exhaustive]
pub struct HandOverError<S: AsFd + 'static> {
    /// The connection, as it was. None if it cannot be served on here: the runtime is shutting down
    /// and did not take it back, or the hammer fell while it was under way.
    pub connection: Option<Connection<S>>,
    /// The state that should have gone along; empty if it went.
    pub state: Vec<u8>,
    /// Why it stays.
    pub refusal: MoveRefusal,
}

impl<S: AsFd + 'static> fmt::Debug for HandOverError<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = &self.refusal;
        formatter.debug_struct("HandOverError").field("refusal", refusal).finish_non_exhaustive()
    }
}

impl<S: AsFd + 'static> fmt::Display for HandOverError<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hand a connection over to the next process")
    }
}

impl<S: AsFd + 'static> Error for HandOverError<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.refusal)
    }
}

/// A connection on its way, and what else belongs to it.
#[derive(Debug)]
pub(crate) struct Departing {
    pub(crate) promise: Promise,
    pub(crate) home: Home,
}

/// What belongs to a connection that comes back.
#[derive(Debug)]
pub(crate) struct Home {
    peer: Option<SocketAddr>,
    outbox: Outbox,
    seat: Option<Seat>,
}

impl<S: AsFd + 'static> Connection<S> {
    /// Sends it on its way to whoever asked for `name`.
    pub(crate) fn depart(
        self,
        name: &str,
        state: Vec<u8>,
        into_descriptor: impl FnOnce(S) -> io::Result<OwnedFd>,
    ) -> Result<Departing, HandOverError<S>> {
        // For what is no name nobody asked.
        let Ok(name) = name.parse() else {
            let refusal = MoveRefusal::NotAskedFor;
            return Err(HandOverError { connection: Some(self), state, refusal });
        };
        let Parts { stream, peer, guard, outbox, seat } = self.take_apart();
        let Ok(descriptor) = into_descriptor(stream) else {
            let refusal = MoveRefusal::System;
            return Err(HandOverError { connection: None, state, refusal });
        };
        let receiver = Receiver { name, protocol: Text::from(PROGRAM) };
        let entry = MovedEntry { receiver, bytes: state };
        let promise = outbox.hand_over(entry, descriptor, guard);
        Ok(Departing { promise, home: Home { peer, outbox, seat } })
    }
}

impl Home {
    /// Makes a connection of what was given back.
    pub(crate) fn welcome<S: AsFd + 'static>(
        self,
        given_back: GivenBack,
        from_descriptor: impl FnOnce(OwnedFd) -> io::Result<S>,
    ) -> HandOverError<S> {
        let GivenBack { connection, refusal, bytes: state } = given_back;
        let Self { peer, outbox, seat } = self;
        let connection = connection.and_then(|(descriptor, guard)| {
            let tracker = guard.tracker().clone();
            let stream = from_descriptor(descriptor).ok()?;
            Some(Connection::new(stream, peer, guard, &tracker, &outbox).seated(seat))
        });
        HandOverError { connection, state, refusal }
    }
}
