//! A stop, as clients see it.

use rekindle::{DrainEnd, Ending};

use crate::client::{Client, get, post_head};
use crate::server::{PATIENCE, Server, stub};

#[tokio::test]
async fn a_stop_closes_idle_connections_at_once_and_finishes_what_is_in_flight() {
    let server = Server::start().await;
    let mut idle = Client::connect(server.address).await;
    assert_eq!(idle.get("/").await.status, 200);
    let mut fresh = Client::connect(server.address).await;
    let mut busy = Client::connect(server.address).await;
    assert_eq!(busy.get("/").await.status, 200);
    busy.send(&get("/gated")).await;
    let mut half = Client::connect(server.address).await;
    assert_eq!(half.get("/").await.status, 200);
    half.send("GET / HTTP/1.1\r\nho").await;
    let mut body = Client::connect(server.address).await;
    body.send(&post_head("/echo", 4)).await;
    body.send("bo").await;

    server.running.stop();
    assert_eq!(server.running.ending().await, Ending::Stopped);
    assert_eq!(idle.end().await, "");
    assert_eq!(fresh.end().await, "");
    half.send("st: x\r\n\r\n").await;
    body.send("dy").await;
    server.gate.add_permits(1);
    for (client, expected) in [(&mut busy, "gated"), (&mut half, "hello"), (&mut body, "body")] {
        let response = client.response().await;
        assert_eq!((response.status, response.body.as_str()), (200, expected));
        assert!(response.says_close(), "{}", response.head);
        assert_eq!(client.end().await, "");
    }
    let report = server.running.drained().await;
    assert_eq!((report.end, report.cut), (DrainEnd::Drained, 0));
}

#[tokio::test]
async fn the_hammer_cuts_what_is_in_flight() {
    let server = Server::start().await;
    let mut client = Client::connect(server.address).await;
    client.send(&get("/gated")).await;
    let mut other = Client::connect(server.address).await;
    assert_eq!(other.get("/").await.status, 200, "the first is there by now");
    server.running.stop();
    assert_eq!(other.end().await, "", "it was idle");
    while server.running.in_flight() > 1 {
        tokio::task::yield_now().await;
    }
    server.running.hammer();
    let report = server.running.drained().await;
    assert!(matches!(report.end, DrainEnd::Hammered(_)), "{:?}", report.end);
    assert_eq!(report.cut, 1);
    assert_eq!(client.end().await, "");
}

#[tokio::test]
async fn a_service_that_gives_up_lets_go_of_its_listeners() {
    let mut service = stub();
    let listener = service.tcp("web", "127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    service.serve(listener, axum::Router::new());
    drop(service);
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("nobody listens there any more");
}
