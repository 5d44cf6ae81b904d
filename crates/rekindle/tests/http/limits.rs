//! Clients that take too long, send too much, or are too many.

use std::time::Duration;

use rekindle::http::HttpOptions;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::client::{Client, get, post_head};
use crate::server::{PATIENCE, Server};

const SHORT: Duration = Duration::from_millis(200);

/// So much of a wait is seen as early: timers count in milliseconds.
const SLACK: Duration = Duration::from_millis(10);

/// No limit that is not meant.
fn options() -> HttpOptions {
    HttpOptions::new().idle_timeout(PATIENCE).header_read_timeout(PATIENCE)
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off_after_its_time_whatever_comes_in() {
    let server = Server::with(options().header_read_timeout(SHORT)).await;
    for first_request in [true, false] {
        let mut client = Client::connect(server.address).await;
        if !first_request {
            assert_eq!(client.get("/").await.status, 200);
        }
        let begun = Instant::now();
        client.send("GET / HTTP/1.1\r\nx: ").await;
        let mut stream = client.into_stream();
        let mut writes = 0;
        // The interval at which the client drips: far less than the limit.
        let mut drip = tokio::time::interval(SHORT / 20);
        loop {
            drip.tick().await;
            if stream.write_all(b"X").await.is_err() {
                break;
            }
            writes += 1;
            assert!(begun.elapsed() < PATIENCE, "it drips for ever");
        }
        assert!(begun.elapsed() + SLACK >= SHORT && writes > 2, "{writes} {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let server = Server::with(options().idle_timeout(SHORT)).await;
    for requests in [0, 2] {
        let mut client = Client::connect(server.address).await;
        for _ in 0..requests {
            assert_eq!(client.get("/").await.status, 200);
        }
        let begun = Instant::now();
        assert_eq!(client.end().await, "");
        assert!(begun.elapsed() + SLACK >= SHORT, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_request_that_takes_long_is_not_idleness() {
    let server = Server::with(options().idle_timeout(SHORT).header_read_timeout(SHORT)).await;
    let mut client = Client::connect(server.address).await;
    client.send(&get("/gated")).await;
    assert!(client.is_open_for(SHORT * 2).await);
    server.gate.add_permits(1);
    assert_eq!(client.response().await.body, "gated");
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_an_error_to_the_program() {
    let server = Server::with(options().request_timeout(SHORT)).await;
    let mut client = Client::connect(server.address).await;
    let begun = Instant::now();
    client.send(&post_head("/echo", 10)).await;
    client.send("half").await;
    let response = client.response().await;
    assert_eq!(response.status, 400, "{response:?}");
    assert!(begun.elapsed() + SLACK >= SHORT, "{:?}", begun.elapsed());
    assert_eq!(client.end().await, "", "the rest of the body is no request");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_by_431() {
    let server = Server::with(options().max_head_size(8 * 1024)).await;
    let mut client = Client::connect(server.address).await;
    let fits = "a".repeat(4 * 1024);
    client.send(&get("/").replace("host", &format!("x: {fits}\r\nhost"))).await;
    assert_eq!(client.response().await.status, 200);
    let too_large = "a".repeat(9 * 1024);
    client.send(&get("/").replace("host", &format!("x: {too_large}\r\nhost"))).await;
    assert_eq!(client.response().await.status, 431);
    client.end().await;
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let server = Server::with(options().max_connections(2)).await;
    let mut first = Client::connect(server.address).await;
    let mut second = Client::connect(server.address).await;
    assert_eq!(first.get("/").await.status, 200);
    assert_eq!(second.get("/").await.status, 200);
    let mut third = Client::connect(server.address).await;
    third.send(&get("/")).await;
    assert!(third.is_open_for(SHORT).await, "it is not answered");
    assert_eq!(server.running.in_flight(), 2);
    drop(first);
    assert_eq!(third.response().await.status, 200);
    assert_eq!(second.get("/").await.status, 200);
}

#[tokio::test]
async fn a_limit_that_no_clock_reaches_is_none() {
    let options = HttpOptions::new()
        .idle_timeout(Duration::MAX)
        .header_read_timeout(Duration::MAX)
        .request_timeout(Duration::MAX);
    let server = Server::with(options).await;
    let mut client = Client::connect(server.address).await;
    for number in 0..2 {
        client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-le").await;
        assert!(client.is_open_for(SHORT / 20).await, "half of head {number} is there");
        client.send("ngth: 4\r\n\r\nbo").await;
        assert!(client.is_open_for(SHORT / 20).await, "half of body {number} is there");
        client.send("dy").await;
        assert_eq!(client.response().await.body, "body");
    }
}
