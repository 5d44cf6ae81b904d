//! HTTP/2 with prior knowledge.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rekindle::DrainEnd;
use rekindle::http::HttpOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::Client;
use crate::server::{PATIENCE, Server};

type Body = Full<Bytes>;

/// A client, and how its connection ends.
async fn connect(address: SocketAddr) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(address).await.expect("somebody listens");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
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
