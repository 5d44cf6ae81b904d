//! Connections that go on to speak something else: HTTP's upgrades, not ours.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get as route;
use hyper_util::rt::TokioIo;
use rekindle::http::{ConnectionInfo, HttpOptions, upgraded};
use rekindle::{Connection, DrainEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::client::{Client, Response, get};
use crate::server::{PATIENCE, Server};

const UPGRADE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

fn switch() -> impl IntoResponse {
    (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "echo")])
}

/// Takes the stream, and echoes with a sign of its own.
async fn echo_with_our_stream(mut request: Request) -> impl IntoResponse {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let raw = upgrade.await.expect("it is upgraded");
        let raw = upgraded::<UnixStream>(raw).expect_err("it is no such stream");
        let (mut stream, first): (Connection<TcpStream>, _) = upgraded(raw).expect("it is ours");
        assert!(stream.peer().is_some());
        stream.write_all(&[b"<", &first[..]].concat()).await.expect("it is written");
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..length]).await.expect("it is written");
        }
    });
    switch()
}

/// Leaves the stream where it is, and says goodbye when it is told.
async fn wait_with_hyper_s_stream(
    Extension(connection): Extension<ConnectionInfo>,
    mut request: Request,
) -> impl IntoResponse {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.expect("it is upgraded"));
        stream.write_all(b"hello ").await.expect("it is written");
        connection.draining().await;
        stream.write_all(b"goodbye").await.expect("it is written");
    });
    switch()
}

/// A permit is added once the stream has ended as it should.
type Ended = Arc<Semaphore>;

/// Never ends of itself.
async fn stay_with_hyper_s_stream(
    Extension(ended): Extension<Ended>,
    mut request: Request,
) -> impl IntoResponse {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.expect("it is upgraded"));
        stream.write_all(b"here").await.expect("it is written");
        for _ in 0..2 {
            let end = stream.read(&mut [0; 64]).await;
            assert!(matches!(end, Ok(0)), "{end:?}");
        }
        for _ in 0..2 {
            assert!(stream.write_all(b"not any more").await.is_err());
        }
        ended.add_permits(1);
    });
    switch()
}

async fn switched(client: &mut Client) -> Response {
    client.send(UPGRADE).await;
    let response = client.response().await;
    assert_eq!(response.status, 101);
    response
}

#[tokio::test]
async fn an_upgraded_stream_comes_out_with_what_was_read_already() {
    let server = Server::of(Router::new().route("/", route(echo_with_our_stream))).await;
    let mut client = Client::connect(server.address).await;
    client.send(&format!("{UPGRADE}early")).await;
    assert_eq!(client.response().await.status, 101);
    assert_eq!(client.read_until("early").await, "<early");
    client.send("late").await;
    assert_eq!(client.read_until("late").await, "late");
    assert_eq!(server.running.in_flight(), 1, "it counts");
    server.running.stop();
    client.send("still").await;
    assert_eq!(client.read_until("still").await, "still");
    drop(client);
    assert_eq!(server.running.drained().await.end, DrainEnd::Drained);
}

#[tokio::test]
async fn a_stream_taken_out_of_hyper_counts_for_the_limit_on_connections() {
    let app = Router::new()
        .route("/", route(echo_with_our_stream))
        .route("/plain", route(async || "plain"));
    let server = Server::of_with(app, HttpOptions::new().max_connections(1)).await;
    let mut first = Client::connect(server.address).await;
    switched(&mut first).await;
    assert_eq!(first.read_until("<").await, "<");
    let mut second = Client::connect(server.address).await;
    second.send(&get("/plain")).await;
    assert!(second.is_open_for(Duration::from_millis(200)).await, "it is not answered");
    drop(first);
    assert_eq!(second.response().await.body, "plain");
}

#[tokio::test]
async fn an_upgraded_connection_is_told_of_the_drain() {
    let server = Server::of(Router::new().route("/", route(wait_with_hyper_s_stream))).await;
    let mut client = Client::connect(server.address).await;
    assert!(!switched(&mut client).await.says_close());
    assert_eq!(client.read_until("hello ").await, "hello ");
    server.running.stop();
    assert_eq!(client.end().await, "goodbye");
    let report = server.running.drained().await;
    assert_eq!((report.end, report.at_start, report.cut), (DrainEnd::Drained, 1, 0));
}

#[tokio::test]
async fn an_upgraded_connection_is_cut_by_the_hammer_and_counted() {
    let ended = Ended::new(Semaphore::new(0));
    let stay = route(stay_with_hyper_s_stream).layer(Extension(Ended::clone(&ended)));
    for (handler, greeting) in [(route(echo_with_our_stream), "<"), (stay, "here")] {
        let server = Server::of(Router::new().route("/", handler)).await;
        let mut client = Client::connect(server.address).await;
        switched(&mut client).await;
        client.read_until(greeting).await;
        server.running.stop();
        server.running.hammer();
        let report = server.running.drained().await;
        assert!(matches!(report.end, DrainEnd::Hammered(_)), "{:?}", report.end);
        assert_eq!(report.cut, 1);
        assert_eq!(client.end().await, "");
    }
    let _seen = timeout(PATIENCE, ended.acquire()).await.expect("its program has seen the end");
}
