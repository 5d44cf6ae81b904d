//! The body of a request, as the program reads it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::tally::Token;

/// The body of a request. To read it whole, or piece by piece, use `http_body_util::BodyExt` or
/// the extractors of a framework. A small body that is not read costs nothing; with a large one
/// unread, the connection ends after the response.
#[derive(Debug)]
pub struct RequestBody {
    /// None if the request has no body, as most have none: then there is nothing to keep account
    /// of. In a box, since a request is moved from hand to hand many times before it is answered.
    arriving: Option<Box<Arriving>>,
}

/// Why a request's body cannot be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestBodyError {
    /// The client went away, or what it sends is no HTTP.
    #[error("read a request's body")]
    Read(#[source] hyper::Error),
    /// It did not come in time.
    #[error("read a request's body within {} s", timeout.as_secs_f64())]
    TimedOut {
        /// How much time it had, from the end of the head on.
        timeout: Duration,
    },
}

/// A body that there is something of.
#[derive(Debug)]
struct Arriving {
    incoming: Incoming,
    limit: Option<Limit>,
    /// Whether the end was seen: of a chunked body hyper does not say so.
    is_read: bool,
    /// Dropped after the body: from then on the exchange is over, and hyper has been told so.
    token: Token,
}

/// Until when the body may take.
#[derive(Debug)]
struct Limit {
    timeout: Duration,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    /// The request's head is there as of now. There is a token if there is a body.
    #[inline]
    pub(crate) fn new(incoming: Incoming, timeout: Option<Duration>, token: Option<Token>) -> Self {
        let arriving = token.map(|token| Box::new(Arriving::new(incoming, timeout, token)));
        Self { arriving }
    }
}

impl Arriving {
    fn new(incoming: Incoming, timeout: Option<Duration>, token: Token) -> Self {
        let limit = timeout.and_then(|timeout| {
            // A time that no clock reaches is no limit.
            let deadline = Instant::now().checked_add(timeout)?;
            Some(Limit { timeout, deadline, sleep: None })
        });
        Self { incoming, limit, is_read: false, token }
    }

    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        if let Poll::Ready(frame) = pin!(&mut self.incoming).poll_frame(context) {
            self.is_read |= frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Read)));
        }
        if let Some(limit) = &mut self.limit {
            ready!(limit.poll_passed(context));
            return Poll::Ready(Some(Err(RequestBodyError::TimedOut { timeout: limit.timeout })));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.is_read || self.incoming.is_end_stream()
    }
}

impl Limit {
    fn poll_passed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        sleep.as_mut().poll(context)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        match &mut self.arriving {
            Some(arriving) => arriving.poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.arriving.as_ref().is_none_or(|arriving| arriving.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.arriving {
            Some(arriving) => arriving.incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.is_end_stream() {
            self.token.tally().note_unread();
        }
    }
}
