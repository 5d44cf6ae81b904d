//! The life of one connection over TLS: a handshake once the client begins one, then what it agreed
//! on.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;
use tower_service::Service;
use tracing::debug;

use crate::async_stream::AsyncStream;
use crate::http::course::{Course, cut};
use crate::http::exchange::BoxError;
use crate::http::parked::Protocols;
use crate::http::pilot::{Awaited, Pilot};
use crate::http::request_body::RequestBody;
use crate::http::session::{Paused, Session};
use crate::http::site::Site;
use crate::http::tls::handshake::Agreed;
use crate::http::transport::{Transport, say_farewell};

/// Serves a connection until it is over. A handshake that has begun is finished whatever happens to
/// the process, but for the hammer.
pub(crate) async fn run<S, A, B>(session: Session<A>, site: Arc<Site>, mut connection: Paused<S>)
where
    S: AsyncStream,
    A: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    A::Future: Send,
    A::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let Some(handshakes) = &site.handshakes else {
        return;
    };
    let since = Instant::now();
    // The order matters: it counts until it is closed.
    if !has_begun(&mut connection.stream, since, site.pilot()).await {
        return;
    }
    // Nothing was read yet: connections over TLS do not arrive from elsewhere.
    let Paused { stream, bytes: _, stay } = connection;
    let shaken = tokio::select! {
        biased;
        () = cut(site.place.course.clone()) => return,
        // In a box: it takes much room, and not for long.
        shaken = Box::pin(handshakes.shake(stream, since)) => shaken,
    };
    let (mut stream, agreed) = match shaken {
        Ok(shaken) => shaken,
        Err(error) => {
            debug!(listener = site.place.listener, %error, "no handshake");
            return;
        }
    };
    let protocols = match agreed {
        Agreed::Nothing => site.protocols,
        Agreed::Http1 => Protocols::Http1,
        Agreed::Http2 => Protocols::Http2,
        Agreed::Other => {
            say_farewell(&mut stream).await;
            return;
        }
    };
    session.run(Paused { stream, bytes: Bytes::new(), stay }, protocols).await;
}

/// Waits for the first byte of a handshake, and says whether it came. Until then nothing is lost
/// with the connection, and a stop does not wait for it.
async fn has_begun<S: AsyncStream>(stream: &mut S, since: Instant, mut pilot: Pilot) -> bool {
    poll_fn(|context| poll_begun(stream, since, &mut pilot, context)).await
}

fn poll_begun<S: AsyncStream>(
    stream: &mut S,
    since: Instant,
    pilot: &mut Pilot,
    context: &mut Context<'_>,
) -> Poll<bool> {
    // The end of the stream is for the handshake to find out.
    if stream.poll_readable(context).is_ready() {
        return Poll::Ready(true);
    }
    match pilot.poll_course(context) {
        Course::Cut => return Poll::Ready(false),
        Course::Close if !stream.has_arrived() => return Poll::Ready(false),
        Course::Stay | Course::Move | Course::Goodbye | Course::Close => {}
    }
    pilot.set_idle(true);
    if pilot.poll_too_long(Awaited::RestOfHead, since, context) {
        return Poll::Ready(false);
    }
    Poll::Pending
}
