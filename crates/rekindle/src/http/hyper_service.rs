//! A service written for hyper, for those who call tower's.

use std::task::{Context, Poll};

use http::Request;
use hyper::service::Service;

use crate::http::request_body::RequestBody;

/// A service of hyper's own kind, such as `hyper::service::service_fn` makes one, to be
/// [served](crate::Service::serve) as one of tower's. hyper's are always ready.
///
/// ```
/// use std::convert::Infallible;
///
/// use http_body_util::Full;
/// use hyper::body::Bytes;
/// use hyper::service::service_fn;
/// use hyper::{Request, Response};
/// use rekindle::http::{HyperService, RequestBody};
///
/// async fn hello(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
///     Ok(Response::new(Full::from("hello\n")))
/// }
///
/// # fn example(mut service: rekindle::Service, listener: rekindle::TcpListener) {
/// service.serve(listener, HyperService::new(service_fn(hello)));
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HyperService<S>(S);

impl<S> HyperService<S> {
    /// The same service, for those who call tower's.
    pub const fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S: Service<Request<RequestBody>>> tower_service::Service<Request<RequestBody>>
    for HyperService<S>
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> S::Future {
        self.0.call(request)
    }
}
