//! The service on tonic, in the shape that its generator gives to a server.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::unfold;
use tokio::time::sleep;
use tonic::body::Body as AnswerBody;
use tonic::codegen::{Body, BoxFuture, BoxStream, Service, StdError, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::{COUNT, COUNTER, CountReply, CountRequest, WHO, WhoReply, WhoRequest};
use crate::site::{LONGEST_PAUSE, Site};

/// Serves the service: it counts as slowly as it is asked to.
#[derive(Debug, Clone, Copy)]
pub struct CounterServer {
    site: Site,
}

impl CounterServer {
    /// The service of this process.
    #[must_use]
    pub const fn new(site: Site) -> Self {
        Self { site }
    }

    fn who(self) -> WhoReply {
        WhoReply { pid: self.site.pid(), generation: self.site.generation().number() }
    }

    fn count(self, request: CountRequest) -> Result<BoxStream<CountReply>, Status> {
        let CountRequest { to, pause_ms } = request;
        let pause = Duration::from_millis(pause_ms.into());
        if pause > LONGEST_PAUSE {
            return Err(Status::invalid_argument("a pause has at most 60000 ms"));
        }
        let generation = self.site.generation().number();
        Ok(Box::pin(unfold(1, move |number| async move {
            if number > to {
                return None;
            }
            sleep(pause).await;
            Some((Ok(CountReply { number, generation }), number + 1))
        })))
    }
}

impl NamedService for CounterServer {
    const NAME: &'static str = COUNTER;
}

impl<B> Service<http::Request<B>> for CounterServer
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let method = Method(*self);
        match request.uri().path() {
            WHO => Box::pin(async move {
                Ok(Grpc::new(ProstCodec::default()).unary(method, request).await)
            }),
            COUNT => Box::pin(async move {
                Ok(Grpc::new(ProstCodec::default()).server_streaming(method, request).await)
            }),
            _ => Box::pin(ready(Ok(Status::unimplemented("").into_http()))),
        }
    }
}

/// A method, by what it is asked.
#[derive(Debug)]
struct Method(CounterServer);

impl UnaryService<WhoRequest> for Method {
    type Response = WhoReply;
    type Future = Ready<Result<Response<WhoReply>, Status>>;

    fn call(&mut self, _request: Request<WhoRequest>) -> Self::Future {
        ready(Ok(Response::new(self.0.who())))
    }
}

impl ServerStreamingService<CountRequest> for Method {
    type Response = CountReply;
    type ResponseStream = BoxStream<CountReply>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<CountRequest>) -> Self::Future {
        ready(self.0.count(request.into_inner()).map(Response::new))
    }
}
