//! The life of one connection over TLS: a handshake, then what it agreed on.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use tracing::debug;

use crate::async_stream::AsyncStream;
use crate::http::course::cut;
use crate::http::exchange::BoxError;
use crate::http::parked::Protocols;
use crate::http::request_body::RequestBody;
use crate::http::session::{Paused, Session};
use crate::http::site::Site;
use crate::http::tls::handshake::Agreed;
use crate::http::transport::say_farewell;

/// Serves a connection until it is over. It counts as in flight from the first, so a handshake is
/// finished whatever happens to the process, but for the hammer.
pub(crate) async fn run<S, A, B>(session: Session<A>, site: Arc<Site>, connection: Paused<S>)
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
    // Nothing was read yet: connections over TLS do not arrive from elsewhere.
    let Paused { stream, bytes: _, stay } = connection;
    let shaken = tokio::select! {
        biased;
        () = cut(site.place.course.clone()) => return,
        // In a box: it takes much room, and not for long.
        shaken = Box::pin(handshakes.shake(stream)) => shaken,
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
