//! A stream that is listened to: what it says of its own end goes into the standing of its
//! connection, before anybody acts on it. Refuses to change a byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use crate::account::cause::Cause;
use crate::http2::goodbye::GoodbyeFinder;
use crate::http2::standing::{End, Standing};
use crate::http2::watched::Watching;
use crate::stream::Stream;

/// A stream, and who is told of its end.
#[derive(Debug)]
pub(crate) struct Tap {
    stream: Stream,
    finder: GoodbyeFinder,
    standing: Arc<watch::Sender<Standing>>,
    /// That its socket is watched, as long as it is there.
    _watching: Watching,
}

impl Tap {
    pub(crate) fn new(
        stream: Stream,
        standing: Arc<watch::Sender<Standing>>,
        watching: Watching,
    ) -> Self {
        Self { stream, finder: GoodbyeFinder::default(), standing, _watching: watching }
    }

    fn ended(&self, cause: Cause) {
        self.standing.send_modify(|standing| {
            // What was seen first is the reason, all else follows from it.
            standing.end.get_or_insert(End::Cut(cause));
        });
    }

    /// Takes note of an error.
    fn heard<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| self.ended(Cause::from(error)))
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, had_room) = (bytes.filled().len(), bytes.remaining() > 0);
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, bytes));
        self.heard(read)?;
        let new = &bytes.filled()[before..];
        if new.is_empty() && had_room {
            self.ended(Cause::EndOfFile);
        }
        if let Some(goodbye) = self.finder.find(new) {
            self.standing.send_modify(|standing| standing.goodbye = Some(goodbye));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(self.heard(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(self.heard(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
