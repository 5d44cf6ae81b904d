//! A connection that counts as in flight for as long as it is there.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};

use rekindle_unix::Severable;

use crate::moves::Outbox;
use crate::tracker::{Guard, Tracker};

/// An accepted connection: the stream, and the guard that keeps this process from exiting before
/// the connection is done. At the drain deadline it is cut: reads see its end, writes fail.
#[derive(Debug)]
pub struct Connection<S: AsFd + 'static> {
    // The order matters: the stream is closed before the connection counts as done.
    stream: Severable<S>,
    peer: Option<SocketAddr>,
    guard: Guard,
    outbox: Outbox,
    seat: Option<Seat>,
}

/// A connection taken apart.
#[derive(Debug)]
pub(crate) struct Parts<S> {
    /// It is not cut any more.
    pub(crate) stream: S,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) guard: Guard,
    pub(crate) outbox: Outbox,
    pub(crate) seat: Option<Seat>,
}

/// What counts for a limit on connections for as long as it is there.
pub(crate) type Seat = Box<dyn fmt::Debug + Send + Sync>;

impl<S: AsFd + 'static> Connection<S> {
    pub(crate) fn new(
        stream: S,
        peer: Option<SocketAddr>,
        guard: Guard,
        tracker: &Tracker,
        outbox: &Outbox,
    ) -> Self {
        Self { stream: tracker.severable(stream), peer, guard, outbox: outbox.clone(), seat: None }
    }

    /// The same connection on this seat, which is given up with it.
    pub(crate) fn seated(self, seat: Option<Seat>) -> Self {
        Self { seat, ..self }
    }

    pub(crate) fn take_apart(self) -> Parts<S> {
        let Self { stream, peer, guard, outbox, seat } = self;
        Parts { stream: stream.into_inner(), peer, guard, outbox, seat }
    }

    /// The client's address; none if it has no internet address.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The guard, to be cloned for work that outlives the connection.
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The stream and its guard. The stream is not cut at the drain deadline any more; whoever
    /// takes it looks at [`Guard::is_cut`]. Nor does it count for a limit on connections any more.
    pub fn into_parts(self) -> (S, Guard) {
        (self.stream.into_inner(), self.guard)
    }
}

impl<S: AsFd + 'static> Deref for Connection<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<S: AsFd + 'static> AsFd for Connection<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl<S: AsFd + 'static> Read for Connection<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(buffer)
    }
}

impl<S: AsFd + 'static> Write for Connection<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}
