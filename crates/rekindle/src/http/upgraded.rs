//! A connection that does not speak HTTP any more, taken back from hyper.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use crate::async_stream::AsyncStream;
use crate::connection::Connection;
use crate::http::wire::{Stay, Wire};

/// Takes the stream of an upgraded connection (a WebSocket, a tunnel) out of hyper, with the bytes
/// that the client sent after its request and that were read already.
///
/// It goes on counting as in flight and for
/// [`max_connections`](crate::http::HttpOptions::max_connections), and is cut at the drain
/// deadline.
///
/// # Errors
///
/// What was given, if it is not a connection of ours, or not of this kind of stream.
pub fn upgraded<S: AsyncStream>(upgraded: Upgraded) -> Result<(Connection<S>, Bytes), Upgraded> {
    let parts = upgraded.downcast::<TokioIo<Wire<S>>>()?;
    let mut wire = parts.io.into_inner();
    let bytes = match wire.take_first() {
        first if first.is_empty() => parts.read_buf,
        first => [parts.read_buf, first].concat().into(),
    };
    let Wire { stream, stay: Stay { info, guard, seat }, .. } = wire;
    let place = info.place();
    let connection = Connection::new(stream, info.peer(), guard, &place.tracker, &place.outbox);
    Ok((connection.seated(Some(Box::new(seat))), bytes))
}
