//! One exchange: a request to the program, and its response, with tokens in both.

use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use tower_service::Service as TowerService;

use crate::http::answer::Answer;
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
    service_fn(move |request: RawRequest| {
        let token = exchanges.tally.begin();
        // A request with a body waits for it before anything else; and each one of HTTP/2 is
        // answered by a task of its own.
        let is_short = request.body().is_end_stream() && request.version() != Version::HTTP_2;
        let mut request =
            request.map(|incoming| RequestBody::new(incoming, exchanges.request_timeout, &token));
        exchanges.info.introduce(request.extensions_mut());
        let answer = answer(app.clone(), request, token, hold);
        Answer::begin(answer, exchanges.tally.reader().filter(|_| is_short))
    })
}

async fn answer<A, B, R>(
    mut app: A,
    request: Request<RequestBody>,
    token: Token,
    hold: impl Fn(B, Token) -> R,
) -> Result<Response<R>, BoxError>
where
    A: TowerService<Request<RequestBody>, Response = Response<B>>,
    A::Error: Into<BoxError>,
{
    let is_connect = *request.method() == Method::CONNECT;
    poll_fn(|context| app.poll_ready(context)).await.map_err(Into::into)?;
    let mut response = app.call(request).await.map_err(Into::into)?;
    if switches_protocols(&response, is_connect) {
        token.tally().note_upgrade();
    } else if token.tally().has_last_word() {
        response.headers_mut().append(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| hold(body, token)))
}

fn switches_protocols<B>(response: &Response<B>, is_connect: bool) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        || (is_connect && response.status().is_success())
}
