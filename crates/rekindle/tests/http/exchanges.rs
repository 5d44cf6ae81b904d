//! Requests and responses, one connection at a time.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::routing::get as route;
use axum::{Extension, Router};
use rekindle::http::ConnectionInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::client::{Client, get, post, post_head};
use crate::server::{Server, stub};

#[tokio::test]
async fn a_connection_is_kept_from_request_to_request() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    for _ in 0..3 {
        let response = client.get("/").await;
        assert_eq!((response.status, response.body.as_str()), (200, "hello"));
        assert!(!response.head.to_ascii_lowercase().contains("connection:"), "{}", response.head);
    }
    assert_eq!(server.running.in_flight(), 1);
    client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(client.response().await.says_close());
    assert_eq!(client.end().await, "");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    let bodies: Vec<_> = (0..50).map(|number| format!("body {number}")).collect();
    let requests: String = bodies.iter().map(|body| post("/echo", body)).collect();
    client.send(&requests).await;
    for body in bodies {
        assert_eq!(client.response().await.body, body);
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    let head = post_head("/echo", 4).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    client.send(&head).await;
    assert_eq!(client.response().await.status, 100);
    client.send("body").await;
    assert_eq!(client.response().await.body, "body");
}

#[tokio::test]
async fn a_small_body_that_nobody_read_does_not_cost_the_connection() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    client.send(&post("/unread", "GET /smuggled HTTP/1.1\r\n\r\n")).await;
    assert_eq!(client.response().await.body, "not read");
    assert_eq!(client.get("/").await.body, "hello");
}

#[tokio::test]
async fn a_large_body_that_nobody_read_does_not_cost_the_response() {
    const PIECE: &[u8] = &[b'b'; 64 * 1024];
    const PIECES: usize = 32;
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    client.send(&post_head("/unread", PIECE.len() * PIECES)).await;
    let (mut reading, mut writing) = client.into_stream().into_split();
    // It sends all it has before it looks for the answer.
    for _ in 0..PIECES {
        writing.write_all(PIECE).await.expect("nothing is reset");
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    reading.read_to_string(&mut answer).await.expect("nothing is reset");
    assert!(answer.ends_with("\r\n\r\nnot read"), "{answer}");
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_understood() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    for byte in get("/").chars() {
        client.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.response().await.body, "hello");
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_its_connection_and_no_other() {
    let server = Server::start().await;
    let mut other = Client::connect(server.address).await;
    assert_eq!(other.get("/").await.status, 200);
    let mut client = Client::connect(server.address).await;
    client.send(&get("/panic")).await;
    assert_eq!(client.end().await, "");
    assert_eq!(other.get("/").await.status, 200);
    assert_eq!(Client::connect(server.address).await.get("/").await.status, 200);
}

#[tokio::test]
async fn the_program_is_told_who_asks_and_where() {
    let app = Router::new().route(
        "/",
        route(async |Extension(info): Extension<ConnectionInfo>| {
            assert!(!info.has_moved());
            format!("{:?} {}", info.peer(), info.listener())
        }),
    );
    let server = Server::of(app).await;
    let mut client = Client::connect(server.address).await;
    let peer: SocketAddr = client.address();
    for _ in 0..2 {
        assert_eq!(client.get("/").await.body, format!("{:?} web", Some(peer)));
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_handlers_find_their_connect_info() {
    use axum::extract::ConnectInfo;

    let handler = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
    let server = Server::of(Router::new().route("/", route(handler))).await;
    let mut client = Client::connect(server.address).await;
    let peer = client.address().to_string();
    assert_eq!(client.get("/").await.body, peer);
}

#[tokio::test]
async fn two_apps_are_served_on_two_listeners_one_of_them_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let mut service = stub();
    let public = service.tcp("public", "127.0.0.1:0").unwrap();
    let admin = service.unix("admin", path.to_str().unwrap()).unwrap();
    let address = public.local_addr().unwrap();
    let says = |name: &'static str| Router::new().route("/", route(async move || name));
    service.serve(public, says("public"));
    service.serve(
        admin,
        says("admin").layer(axum::middleware::map_request(
            async |Extension(info): Extension<ConnectionInfo>, request: Request| {
                assert_eq!((info.peer(), info.listener()), (None, "admin"));
                request
            },
        )),
    );
    let _running = service.ready().await.unwrap();
    assert_eq!(Client::connect(address).await.get("/").await.body, "public");
    let stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(Client::on(stream).get("/").await.body, "admin");
}
