//! The body of a response, as hyper takes it: with a token of its exchange, so that the exchange
//! is open for as long as there is something of the body to be sent.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::http::exchange::BoxError;
use crate::http::tally::Token;

/// The body, with the token until it is dropped. That is enough for HTTP/1: what hyper took from
/// it and holds is on its way to the stream, and counts as not flushed.
pub(crate) fn held<B>(
    body: B,
    token: Token,
) -> impl Body<Data = B::Data, Error = BoxError> + Send + use<B>
where
    B: Body + Send,
    B::Error: Into<BoxError>,
{
    // The token goes along with the body: its closure is dropped after it.
    body.map_err(move |error| {
        let _exchange = &token;
        error.into()
    })
}

/// The body, with the token until it is dropped, and until all its data is written. For HTTP/2:
/// there the data waits in a queue for as long as the client does not want it, however large it
/// is, and the body is gone when the last of it was queued.
pub(crate) fn counted<B>(body: B, token: Token) -> CountedBody<B> {
    CountedBody { body: Box::pin(body), token }
}

/// See [`counted`].
#[derive(Debug)]
pub(crate) struct CountedBody<B> {
    body: Pin<Box<B>>,
    /// Dropped after the body.
    token: Token,
}

impl<B> Body for CountedBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Counted<B::Data>;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let polled = self.body.as_mut().poll_frame(context);
        let count = |data| Counted { data, _token: self.token.clone() };
        polled.map_ok(|frame| frame.map_data(count)).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of a body, and its token.
#[derive(Debug)]
pub(crate) struct Counted<D> {
    data: D,
    _token: Token,
}

impl<D: Buf> Buf for Counted<D> {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.data.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.data.copy_to_bytes(length)
    }
}
