//! HTTP/2 with prior knowledge.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rekindle::DrainEnd;
use rekindle::http::{HttpOptions, HyperService, RequestBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::Client;
use crate::server::{PATIENCE, Server, stub};

type Body = Full<Bytes>;

/// A client, and how its connection ends.
async fn connect(address: SocketAddr) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(address).await.expect("somebody listens");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    (sender, tokio::spawn(connection))
}

/// The same, and it takes little of a response that it does not read.
async fn connect_with_window(
    address: SocketAddr,
) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(address).await.expect("somebody listens");
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(64 * 1024);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
    (sender, tokio::spawn(connection))
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Body> {
    let request = Request::builder().method(method).uri(format!("http://x{path}"));
    request.body(Full::from(body)).expect("a request")
}

async fn text(body: Incoming) -> String {
    let bytes = body.collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn streams_are_answered_side_by_side() {
    let server = Server::start().await;
    let (mut sender, _connection) = connect(server.address).await;
    let gated = sender.send_request(request("GET", "/gated", ""));
    let echo = sender.send_request(request("POST", "/echo", "body")).await.expect("a response");
    assert_eq!(text(echo.into_body()).await, "body");
    server.gate.add_permits(1);
    assert_eq!(text(gated.await.expect("a response").into_body()).await, "gated");
    assert_eq!(server.running.in_flight(), 1);
}

#[tokio::test]
async fn a_preface_that_comes_byte_by_byte_is_understood() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    // An empty SETTINGS frame.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    let mut header = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut header)).await.unwrap().unwrap();
    assert_eq!(header[3], 4, "its SETTINGS come first");
}

#[tokio::test]
async fn a_stop_tells_the_client_to_go_away_and_finishes_its_streams() {
    let server = Server::start().await;
    let (mut sender, connection) = connect(server.address).await;
    let gated = sender.send_request(request("GET", "/gated", ""));
    let warm = sender.send_request(request("GET", "/", "")).await.expect("a response");
    assert_eq!(text(warm.into_body()).await, "hello");
    server.running.stop();
    server.running.ending().await;
    server.gate.add_permits(1);
    let response = gated.await.expect("its stream is finished");
    assert!(response.headers().get("connection").is_none());
    assert_eq!(text(response.into_body()).await, "gated");
    timeout(PATIENCE, connection).await.expect("it ends").expect("no panic").expect("cleanly");
    assert!(sender.send_request(request("GET", "/", "")).await.is_err(), "it is told so");
    let report = server.running.drained().await;
    assert_eq!((report.end, report.cut), (DrainEnd::Drained, 0));
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_away_after_its_time() {
    let options = HttpOptions::new().idle_timeout(Duration::from_millis(200));
    let server = Server::with(options).await;
    let (mut sender, connection) = connect(server.address).await;
    let response = sender.send_request(request("GET", "/", "")).await.expect("a response");
    assert_eq!(text(response.into_body()).await, "hello");
    timeout(PATIENCE, connection).await.expect("it ends").expect("no panic").expect("cleanly");
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_its_stream_and_no_other() {
    let server = Server::start().await;
    let (mut sender, _connection) = connect(server.address).await;
    assert!(sender.send_request(request("GET", "/panic", "")).await.is_err());
    let response = sender.send_request(request("GET", "/", "")).await.expect("a response");
    assert_eq!(text(response.into_body()).await, "hello");
}

#[tokio::test]
async fn a_panic_where_the_service_is_called_ends_its_stream_and_no_other() {
    let mut service = stub();
    let listener = service.tcp("web", "127.0.0.1:0").expect("it is bound");
    let address = listener.local_addr().expect("it has an address");
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    let call = move |request: Request<RequestBody>| {
        assert_ne!(request.uri().path(), "/panic", "expected by the test");
        let gate = Arc::clone(&opens);
        async move {
            gate.acquire().await.expect("it is never closed").forget();
            Ok::<_, Infallible>(Response::new(Body::from("gated")))
        }
    };
    service.serve(listener, HyperService::new(service_fn(call)));
    let _running = service.ready().await.expect("a stub is ready");
    let (mut sender, _connection) = connect(address).await;
    let gated = sender.send_request(request("GET", "/gated", ""));
    assert!(sender.send_request(request("GET", "/panic", "")).await.is_err());
    gate.add_permits(1);
    let response = gated.await.expect("the other one is answered");
    assert_eq!(text(response.into_body()).await, "gated");
}

#[tokio::test]
async fn what_is_off_is_not_spoken() -> Result<(), Infallible> {
    let server = Server::with(HttpOptions::new().http2(false)).await;
    let mut client = Client::connect(server.address).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.end().await;
    assert_eq!(Client::connect(server.address).await.get("/").await.status, 200);
    let server = Server::with(HttpOptions::new().http1(false)).await;
    let mut client = Client::connect(server.address).await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!client.end().await.contains("200 OK"));
    let (mut sender, _connection) = connect(server.address).await;
    assert!(sender.send_request(request("GET", "/", "")).await.is_ok());
    Ok(())
}

const MEGABYTE: usize = 1 << 20;
const LONG_RESPONSE_BYTES: usize = 4 * MEGABYTE;

/// A body of as many pieces of a megabyte.
struct Pieces(usize);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        self.0 = left;
        Poll::Ready(Some(Ok(Frame::data(vec![b'x'; MEGABYTE].into()))))
    }
}

/// A server of long responses, with short limits.
async fn long_responses(idle_timeout: Duration) -> Server {
    let app = Router::new()
        .route("/whole", get(async || vec![b'x'; LONG_RESPONSE_BYTES]))
        .route("/pieces", get(async || axum::body::Body::new(Pieces(4))));
    let options = HttpOptions::new().header_read_timeout(SHORT).idle_timeout(idle_timeout);
    Server::serving(app, options, Arc::new(Semaphore::new(0))).await
}

const SHORT: Duration = Duration::from_millis(200);

/// A response that the client has stopped to read: the server has the rest of it in its queue.
async fn stalled(sender: &mut SendRequest<Body>, path: &str) -> (usize, Incoming) {
    let response = sender.send_request(request("GET", path, "")).await.expect("a response");
    assert_eq!(response.headers().contains_key("content-length"), path == "/whole");
    let (mut body, mut length) = (response.into_body(), 0);
    while path == "/pieces" && length < LONG_RESPONSE_BYTES - MEGABYTE / 2 {
        length += data(&mut body).await.expect("more of it");
    }
    (length, body)
}

async fn data(body: &mut Incoming) -> Option<usize> {
    let frame = body.frame().await?.expect("it is not cut");
    Some(frame.into_data().expect("data").len())
}

#[tokio::test]
async fn a_response_that_the_client_does_not_read_for_a_while_is_not_idleness() {
    for (path, idle_timeout) in
        [("/whole", PATIENCE), ("/pieces", PATIENCE), ("/whole", SHORT), ("/pieces", SHORT)]
    {
        let server = long_responses(idle_timeout).await;
        let (mut sender, connection) = connect_with_window(server.address).await;
        let (mut length, mut body) = stalled(&mut sender, path).await;
        let is_stopped = idle_timeout == PATIENCE;
        if is_stopped {
            server.running.stop();
            server.running.ending().await;
        }
        // It stalls: longer than both limits together.
        tokio::time::sleep(SHORT * 4).await;
        while let Some(more) = data(&mut body).await {
            length += more;
        }
        assert_eq!(length, LONG_RESPONSE_BYTES, "{path}");
        if !is_stopped {
            server.running.stop();
        }
        timeout(PATIENCE, connection).await.expect("it ends").expect("no panic").expect("cleanly");
        let report = server.running.drained().await;
        assert_eq!((report.end, report.cut), (DrainEnd::Drained, 0));
    }
}

#[tokio::test]
async fn a_response_that_waits_for_its_client_is_lost_to_the_hammer_and_counted() {
    for path in ["/whole", "/pieces"] {
        let server = long_responses(SHORT).await;
        let (mut sender, _connection) = connect_with_window(server.address).await;
        let (_, _body) = stalled(&mut sender, path).await;
        server.running.stop();
        server.running.ending().await;
        // It is not idle however long it waits: longer than both limits together.
        tokio::time::sleep(SHORT * 4).await;
        server.running.hammer();
        let report = server.running.drained().await;
        assert!(matches!(report.end, DrainEnd::Hammered(_)), "{:?}", report.end);
        assert_eq!(report.cut, 1, "{path}");
    }
}

/// Echoes in a tunnel.
async fn tunnel(mut request: axum::extract::Request) {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut reading, mut writing) =
            tokio::io::split(TokioIo::new(upgrade.await.expect("a tunnel")));
        tokio::io::copy(&mut reading, &mut writing).await.expect("it is not cut");
    });
}

#[tokio::test]
async fn a_tunnel_lasts_for_as_long_as_its_ends_want() {
    let options = HttpOptions::new().header_read_timeout(SHORT).idle_timeout(SHORT);
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::serving(Router::new().fallback(tunnel), options, gate).await;
    let (mut sender, _connection) = connect(server.address).await;
    let request = Request::connect("x:80").body(Body::default()).unwrap();
    let response = sender.send_request(request).await.expect("a response");
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.expect("a tunnel"));
    for text in [b"one", b"two"] {
        stream.write_all(text).await.unwrap();
        let mut echo = [0; 3];
        timeout(PATIENCE, stream.read_exact(&mut echo)).await.unwrap().expect("it is not cut");
        assert_eq!(&echo, text);
        // Longer than both limits together.
        tokio::time::sleep(SHORT * 4).await;
    }
}
