//! HTTP/1 on one connection: served by hyper, and taken apart between two requests.
//!
//! hyper does not say when a connection is idle, so the [`Tally`] does: no exchange is open, all
//! that was written is out, and the poll that found it so began like that. The last is since hyper
//! deals with the rest of an unread request body in the poll *after* the program dropped it. Then
//! the stream and the bytes that hyper read and did not parse (up to half a head) are all there is
//! to the connection.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::{HttpService, Service};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::debug;

use crate::http::course::Course;
use crate::http::exchange::BoxError;
use crate::http::permits::Permit;
use crate::http::pilot::{Awaited, Pilot};
use crate::http::tally::{Mark, Tally};
use crate::http::transport::say_farewell;
use crate::http::wire::Wire;

/// What became of a connection.
#[derive(Debug)]
pub(crate) enum End<IO> {
    /// It is over, or speaks something else than HTTP now.
    Over,
    /// hyper has answered, and shut its side down. `is_unread` if it left something unread.
    Shut { wire: Wire<IO>, is_unread: bool },
    /// It was taken apart: these bytes were read and are no request yet.
    Apart { wire: Wire<IO>, bytes: Bytes, purpose: Purpose },
}

/// What a connection was taken apart for.
#[derive(Debug)]
pub(crate) enum Purpose {
    Leave(Permit),
    Close,
}

/// Serves a connection until it is over or can be taken apart for a reason.
pub(crate) async fn serve<IO, S, B>(
    connection: UpgradeableConnection<TokioIo<Wire<IO>>, S>,
    tally: Arc<Tally>,
    pilot: &mut Pilot,
) -> End<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    let since = Instant::now();
    let quiet = Quiet { awaited: Awaited::FirstByte, since, begun: tally.begun(), reads: 0 };
    let mut driver = Driver { connection, tally, pilot, quiet };
    let halt = poll_fn(|context| driver.poll(context)).await;
    driver.end(halt).await
}

/// hyper's settings.
pub(crate) fn builder(max_head_size: usize) -> Builder {
    let mut builder = Builder::new();
    builder.header_read_timeout(None).max_header_size(max_head_size);
    if max_head_size > HYPER_BUFFER_BYTES {
        builder.max_buf_size(max_head_size);
    }
    builder
}

/// As much as hyper holds unless it is told otherwise.
const HYPER_BUFFER_BYTES: usize = 400 * 1024;

struct Driver<'a, IO, S>
where
    S: HttpService<Incoming>,
{
    connection: UpgradeableConnection<TokioIo<Wire<IO>>, S>,
    tally: Arc<Tally>,
    pilot: &'a mut Pilot,
    quiet: Quiet,
}

/// Why a connection is not polled any more.
enum Halt {
    /// hyper is done with it.
    Done,
    /// The hammer fell, or the client took too long.
    Over,
    Apart(Purpose),
}

/// What goes on between two requests, as far as it can be told from outside: the next head's first
/// bytes may have come along with the last request, and then it is only seen to have begun with
/// its next byte. Until then the connection waits for a first byte, and rests.
struct Quiet {
    awaited: Awaited,
    since: Instant,
    /// How many exchanges had begun then, and how often bytes had come in.
    begun: u32,
    reads: u32,
}

impl<IO, S, B> Driver<'_, IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Halt> {
        self.tally.forget_wait();
        let mut may_cork = true;
        loop {
            let course = self.pilot.poll_course(context);
            if course == Course::Cut {
                return Poll::Ready(Halt::Over);
            }
            self.tally.set_last_word(course.is_last_word());
            // Who is to move reads no further, unless it has to wait for its turn: so even a
            // client that never pauses is left in time.
            let is_corked = may_cork && course == Course::Move && !self.pilot.is_queued();
            self.tally.cork(is_corked);
            let mark = self.tally.mark();
            if let Poll::Ready(result) = Pin::new(&mut self.connection).poll(context) {
                if let Err(error) = result {
                    debug!(error = &error as &dyn Error, "a connection broke");
                }
                return Poll::Ready(Halt::Done);
            }
            // Asked once: the last token can be dropped in another thread at any time, and what was
            // decided before that must not pass for what is so after it.
            let is_busy = self.tally.is_busy();
            let is_quiet = !is_busy && !self.tally.is_unflushed();
            let next = if is_quiet {
                self.between_exchanges(course, mark)
            } else {
                self.pilot.give_up_permit();
                Next::Wait
            };
            match next {
                Next::Apart(purpose) => return Poll::Ready(Halt::Apart(purpose)),
                Next::PollAgain => {}
                // What comes in has nobody waiting for it.
                Next::Wait if self.tally.take_withheld() => may_cork = false,
                Next::Wait if is_busy && !self.tally.wait_for_tokens(context) => {}
                Next::Wait => return self.poll_waiting(is_quiet, context),
            }
        }
    }

    /// No exchange is open. May the connection be taken apart?
    fn between_exchanges(&mut self, course: Course, mark: Mark) -> Next {
        let is_idle = self.tally.is_idle_since(mark);
        let purpose = match course {
            Course::Stay | Course::Goodbye | Course::Cut => {
                self.pilot.give_up_permit();
                return Next::Wait;
            }
            Course::Close => Some(Purpose::Close),
            Course::Move if !self.pilot.has_permit() => None,
            Course::Move if is_idle => self.pilot.take_permit().map(Purpose::Leave),
            Course::Move => None,
        };
        match purpose {
            // An exchange ended within this poll: the next one settles what it left.
            _ if !is_idle => Next::PollAgain,
            Some(purpose) => Next::Apart(purpose),
            None => Next::Wait,
        }
    }

    /// There is nothing to do now. Between two requests, has the client taken too long?
    fn poll_waiting(&mut self, is_quiet: bool, context: &mut Context<'_>) -> Poll<Halt> {
        if !is_quiet {
            self.pilot.set_idle(false);
            return Poll::Pending;
        }
        let (begun, reads) = (self.tally.begun(), self.tally.reads());
        let quiet = &mut self.quiet;
        if quiet.begun != begun {
            *quiet = Quiet { awaited: Awaited::FirstByte, since: Instant::now(), begun, reads };
        } else if quiet.awaited == Awaited::FirstByte && quiet.reads != reads {
            *quiet = Quiet { awaited: Awaited::RestOfHead, since: Instant::now(), begun, reads };
        }
        self.pilot.set_idle(quiet.awaited == Awaited::FirstByte);
        if self.pilot.poll_too_long(quiet.awaited, quiet.since, context) {
            return Poll::Ready(Halt::Over);
        }
        Poll::Pending
    }

    async fn end(self, halt: Halt) -> End<IO> {
        // Asked now, since an exchange that is open ends with what it is taken apart from.
        let is_quiet = self.tally.is_quiet();
        self.pilot.set_idle(false);
        let parts = self.connection.into_parts();
        match (halt, parts) {
            (_, None) => End::Over,
            (Halt::Done, Some(parts)) => {
                let is_unread = self.tally.is_unread() || !parts.read_buf.is_empty();
                End::Shut { wire: parts.io.into_inner(), is_unread }
            }
            (Halt::Over, Some(parts)) => {
                // A response that is cut must not look whole.
                if is_quiet {
                    say_farewell(&mut parts.io.into_inner().stream).await;
                }
                End::Over
            }
            (Halt::Apart(purpose), Some(parts)) => {
                self.tally.cork(false);
                let mut wire = parts.io.into_inner();
                let bytes = match wire.take_first() {
                    first if first.is_empty() => parts.read_buf,
                    first => [parts.read_buf, first].concat().into(),
                };
                End::Apart { wire, bytes, purpose }
            }
        }
    }
}

/// What is next for a connection between two exchanges.
enum Next {
    Wait,
    PollAgain,
    Apart(Purpose),
}

#[cfg(test)]
mod tests;
