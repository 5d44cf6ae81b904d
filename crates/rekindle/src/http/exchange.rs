//! One exchange: a request to the program, and its response, with tokens in both.

use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use tower_service::Service as TowerService;

use crate::http::answer::{Answer, Place};
use crate::http::connection_info::ConnectionInfo;
use crate::http::request_body::RequestBody;
use crate::http::tally::{Tally, Token};

/// An error of the program.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What the exchanges of one connection have in common.
#[derive(Debug)]
pub(crate) struct Exchanges {
    pub(crate) info: ConnectionInfo,
    pub(crate) tally: Arc<Tally>,
    pub(crate) request_timeout: Option<Duration>,
}

/// A request as hyper has read it.
type RawRequest = Request<Incoming>;

/// The program as hyper calls it on one connection. `hold` puts a response's body and the token
/// of its exchange together.
pub(crate) fn service<A, B, H, R>(
    app: A,
    exchanges: Exchanges,
    hold: H,
) -> impl Service<RawRequest, Response = Response<R>, Error = BoxError, Future: Send + 'static>
where
    A: TowerService<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    A::Future: Send,
    A::Error: Into<BoxError>,
    B: Send + 'static,
    H: Fn(B, Token) -> R + Copy + Send + 'static,
    R: Body<Error = BoxError> + Send + 'static,
{
    let place = Place::new();
    service_fn(move |mut request: RawRequest| {
        let token = exchanges.tally.begin();
        // A request with a body waits for it before anything else.
        let is_short = request.body().is_end_stream();
        let has_own_task = request.version() == Version::HTTP_2;
        exchanges.info.introduce(request.extensions_mut());
        let is_connect = *request.method() == Method::CONNECT;
        let (timeout, held) = (exchanges.request_timeout, (!is_short).then(|| token.clone()));
        // The request takes it where it is handed over, as each copy of a request counts.
        let body = move |incoming| RequestBody::new(incoming, timeout, held);
        let make = move |outcome: Result<_, A::Error>| {
            Ok(finish(outcome.map_err(Into::into)?, is_connect, token, hold))
        };
        let mut app = app.clone();
        if has_own_task {
            // Called there too: what the program does then, such as to panic, is its stream's only.
            return Answer::later(call(app, request.map(body)), make);
        }
        // Asked for nobody: who is not ready is asked again.
        match app.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => match exchanges.tally.reader() {
                Some(reader) if is_short => {
                    Answer::begin(&place, app.call(request.map(body)), make, reader)
                }
                Some(_) | None => Answer::later(app.call(request.map(body)), make),
            },
            Poll::Ready(Err(error)) => Answer::Given(Some(make(Err(error)))),
            Poll::Pending => Answer::later(call(app, request.map(body)), make),
        }
    })
}

/// Calls the program as soon as it is ready.
async fn call<A, B>(mut app: A, request: Request<RequestBody>) -> Result<Response<B>, A::Error>
where
    A: TowerService<Request<RequestBody>, Response = Response<B>>,
{
    poll_fn(|context| app.poll_ready(context)).await?;
    app.call(request).await
}

/// The program's response, as hyper is to send it.
#[inline]
fn finish<B, R>(
    mut response: Response<B>,
    is_connect: bool,
    token: Token,
    hold: impl Fn(B, Token) -> R,
) -> Response<R> {
    if switches_protocols(&response, is_connect) {
        token.tally().note_upgrade();
    } else if token.tally().has_last_word() {
        response.headers_mut().append(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| hold(body, token))
}

fn switches_protocols<B>(response: &Response<B>, is_connect: bool) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        || (is_connect && response.status().is_success())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::{Pin, pin};

    use axum::Router;
    use bytes::Bytes;
    use hyper_util::rt::TokioIo;
    use tokio::io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
    };

    use super::*;
    use crate::http::response_body::held;
    use crate::http::testing::{Process, settle};
    use crate::http::wire::Wire;

    /// A stream, and the places in memory that it was to be read to.
    struct Noting<'a>(DuplexStream, &'a mut Vec<usize>);

    impl AsyncRead for Noting<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.1.push(buffer.filled().as_ptr().addr());
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Noting<'_> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_program_that_answers_at_once_leaves_hyper_its_buffer() {
        let (process, tally) = (Process::new(), Arc::new(Tally::default()));
        let (mut client, server) = duplex(4096);
        let (mut places, stay) = (Vec::new(), process.stay());
        let (info, request_timeout) = (stay.info.clone(), None);
        let exchanges = Exchanges { info, tally: Arc::clone(&tally), request_timeout };
        let app = Router::new().fallback(async || "here");
        let wire = Wire::new(Noting(server, &mut places), Bytes::new(), tally, stay);
        let service = service(app, exchanges, held);
        let mut serving =
            Box::pin(process.site.http1.serve_connection(TokioIo::new(wire), service));
        for _ in 0..3 {
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            assert!(settle(serving.as_mut()).is_pending());
            let mut answer = [0; 512];
            let Poll::Ready(length) = settle(pin!(client.read(&mut answer))) else { panic!() };
            assert!(answer[..length.unwrap()].ends_with(b"here"));
        }
        drop(serving);
        let first = places.first().copied();
        assert!(
            places.len() >= 6 && places.iter().all(|place| Some(*place) == first),
            "{places:x?}"
        );
    }
}
