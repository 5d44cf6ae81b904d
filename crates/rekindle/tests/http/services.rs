//! Services that are not made by axum.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use rekindle::http::{HyperService, RequestBody, RequestBodyError};

use crate::client::{Client, post};
use crate::server::stub;

async fn echo(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, RequestBodyError> {
    let body = request.into_body().collect().await?;
    Ok(Response::new(Full::new(body.to_bytes())))
}

#[tokio::test]
async fn hyper_s_own_kind_of_service_is_served() {
    let mut service = stub();
    let listener = service.tcp("web", "127.0.0.1:0").expect("it is bound");
    let address = listener.local_addr().expect("it has an address");
    service.serve(listener, HyperService::new(service_fn(echo)));
    let running = service.ready().await.expect("a stub is ready");
    let mut client = Client::connect(address).await;
    for body in ["one", "two"] {
        client.send(&post("/", body)).await;
        assert_eq!(client.response().await.body, body);
    }
    assert_eq!(running.in_flight(), 1, "the connection is kept");
}

#[tokio::test]
async fn two_services_of_two_kinds_serve_two_listeners() {
    let mut service = stub();
    let (one, other) =
        ["one", "other"].map(|name| service.tcp(name, "127.0.0.1:0").expect("it is bound")).into();
    let addresses = [&one, &other].map(|it| it.local_addr().expect("it has an address"));
    service.serve(one, HyperService::new(service_fn(echo)));
    let fixed = |_| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("fixed"))) };
    service.serve(other, HyperService::new(service_fn(fixed)));
    let _running = service.ready().await.expect("a stub is ready");
    for (address, expected) in addresses.into_iter().zip(["said", "fixed"]) {
        let mut client = Client::connect(address).await;
        client.send(&post("/", "said")).await;
        assert_eq!(client.response().await.body, expected);
    }
}
