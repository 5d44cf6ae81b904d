//! A parked connection: nothing was read from it that would be understood yet, and no buffer is
//! held for it. So those that just wait cost little, and can move at any time.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use crate::http::course::Course;
use crate::http::permits::Permit;
use crate::http::pilot::{Awaited, Pilot};
use crate::http::transport::Transport;

/// What an HTTP/2 client with prior knowledge says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at first: most heads are smaller. It is on the stack.
pub(crate) const FIRST_READ_BYTES: usize = 2 * 1024;

/// What may be spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocols {
    Http1,
    Http2,
    /// Whichever the client begins with.
    Either,
}

/// What ends the wait.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The client speaks HTTP/1, and these are its first bytes.
    Http1(Bytes),
    /// The client speaks HTTP/2.
    Http2(Bytes),
    /// It is to move, with these bytes.
    Leave(Permit, Bytes),
    /// It is over.
    Over,
}

/// Waits until the client has said what it speaks. `first` was read from the stream before.
pub(crate) async fn wait<IO: Transport>(
    stream: &mut IO,
    first: Bytes,
    protocols: Protocols,
    pilot: &mut Pilot,
) -> Wake {
    let mut parked = Parked { stream, bytes: first, protocols, pilot, since: None };
    poll_fn(|context| parked.poll(context)).await
}

struct Parked<'a, IO> {
    stream: &'a mut IO,
    bytes: Bytes,
    protocols: Protocols,
    pilot: &'a mut Pilot,
    /// Since when it waits; it costs a look at the clock, and most do not wait.
    since: Option<Instant>,
}

impl<IO: Transport> Parked<'_, IO> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Wake> {
        loop {
            let bytes = &mut self.bytes;
            match protocol(bytes, self.protocols) {
                Some(Protocol::Http1) => return Poll::Ready(Wake::Http1(std::mem::take(bytes))),
                Some(Protocol::Http2) => return Poll::Ready(Wake::Http2(std::mem::take(bytes))),
                None => {}
            }
            match self.read(context) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(Wake::Over),
                Poll::Pending => return self.poll_rest(context),
            }
        }
    }

    /// Reads what is there. Returns whether the stream goes on.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let mut space = [const { MaybeUninit::uninit() }; FIRST_READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        match Pin::new(&mut *self.stream).poll_read(context, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(false),
            Poll::Ready(Ok(())) if self.bytes.is_empty() => {
                (self.bytes, self.since) = (Bytes::copy_from_slice(buffer.filled()), None);
                Poll::Ready(true)
            }
            Poll::Ready(Ok(())) => {
                self.bytes = [&self.bytes, buffer.filled()].concat().into();
                Poll::Ready(true)
            }
            Poll::Ready(Err(_)) => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Nothing can be read now: is there a reason not to wait on?
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<Wake> {
        let has_begun = !self.bytes.is_empty();
        match self.pilot.poll_course(context) {
            Course::Cut => return Poll::Ready(Wake::Over),
            Course::Close if !has_begun && !self.stream.has_arrived() => {
                return Poll::Ready(Wake::Over);
            }
            Course::Move => {
                if self.pilot.has_permit()
                    && let Some(permit) = self.pilot.take_permit()
                {
                    return Poll::Ready(Wake::Leave(permit, std::mem::take(&mut self.bytes)));
                }
            }
            Course::Stay | Course::Goodbye | Course::Close => self.pilot.give_up_permit(),
        }
        let awaited = if has_begun { Awaited::RestOfHead } else { Awaited::FirstByte };
        let since = *self.since.get_or_insert_with(Instant::now);
        self.pilot.set_idle(!has_begun);
        if self.pilot.poll_too_long(awaited, since, context) {
            return Poll::Ready(Wake::Over);
        }
        Poll::Pending
    }
}

enum Protocol {
    Http1,
    Http2,
}

/// What a client speaks that began with these bytes; none if it could be either.
fn protocol(bytes: &[u8], protocols: Protocols) -> Option<Protocol> {
    match protocols {
        _ if bytes.is_empty() => None,
        Protocols::Http1 => Some(Protocol::Http1),
        Protocols::Http2 => Some(Protocol::Http2),
        Protocols::Either if bytes.starts_with(PREFACE) => Some(Protocol::Http2),
        Protocols::Either if PREFACE.starts_with(bytes) => None,
        Protocols::Either => Some(Protocol::Http1),
    }
}
