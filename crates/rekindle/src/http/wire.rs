//! The wire: one connection's stream as hyper reads and writes it, with all that has to live for
//! as long as the stream does. It notes what passes in the [`Tally`], and parses nothing.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::capacity::Seat;
use crate::http::connection_info::ConnectionInfo;
use crate::http::course::{Course, cut};
use crate::http::tally::Tally;
use crate::tracker::Guard;

/// A stream on its way through hyper.
pub(crate) struct Wire<IO> {
    /// Closed before it counts as done: the order of the fields matters.
    pub(crate) stream: IO,
    /// What was read from the stream before, and comes first.
    first: Bytes,
    tally: Arc<Tally>,
    /// The hammer, for a connection that was upgraded: nobody else looks after it then.
    cut_reads: Option<Hammer>,
    cut_writes: Option<Hammer>,
    pub(crate) stay: Stay,
}

/// What says that a connection is served in this process.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) info: ConnectionInfo,
    /// It counts as in flight.
    pub(crate) guard: Guard,
    /// It counts for the listener's limit.
    pub(crate) seat: Seat,
}

type Hammer = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<IO> Wire<IO> {
    pub(crate) const fn new(stream: IO, first: Bytes, tally: Arc<Tally>, stay: Stay) -> Self {
        Self { stream, first, tally, cut_reads: None, cut_writes: None, stay }
    }

    /// What hyper has not read yet.
    pub(crate) fn take_first(&mut self) -> Bytes {
        std::mem::take(&mut self.first)
    }

    /// Whether the hammer fell on a connection that was upgraded.
    #[inline]
    fn is_cut(&mut self, way: Way, context: &mut Context<'_>) -> bool {
        self.tally.is_upgraded() && self.poll_cut(way, context)
    }

    #[cold]
    fn poll_cut(&mut self, way: Way, context: &mut Context<'_>) -> bool {
        let course = &self.stay.info.place().course;
        if *course.borrow() == Course::Cut {
            return true;
        }
        let hammer = match way {
            Way::In => &mut self.cut_reads,
            Way::Out => &mut self.cut_writes,
        };
        let waits = hammer.get_or_insert_with(|| Box::pin(cut(course.clone())));
        let is_cut = waits.as_mut().poll(context).is_ready();
        if is_cut {
            // It is asked again whenever the program tries again, and has nothing more to say.
            *hammer = None;
        }
        is_cut
    }
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Wire<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.has_remaining() {
            let length = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first.split_to(length));
            self.tally.note_read();
            return Poll::Ready(Ok(()));
        }
        // Nobody is woken for it: the task that corked it polls again.
        if self.tally.withholds() {
            return Poll::Pending;
        }
        if self.is_cut(Way::In, context) {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.tally.note_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Wire<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tally.set_unflushed(true);
        if self.is_cut(Way::Out, context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tally.set_unflushed(true);
        if self.is_cut(Way::Out, context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = flushed {
            self.tally.set_unflushed(false);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tally.set_unflushed(true);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<IO: fmt::Debug> fmt::Debug for Wire<IO> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wire")
            .field("stream", &self.stream)
            .field("first", &self.first)
            .field("tally", &self.tally)
            .field("stay", &self.stay)
            .finish_non_exhaustive()
    }
}
