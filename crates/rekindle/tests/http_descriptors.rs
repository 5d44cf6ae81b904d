//! Serving HTTP while the system has no descriptor left. Alone in its process: the limit is the
//! process's.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rekindle::Service;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Long enough to be no matter on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it is seen that nothing is answered.
const A_WHILE: Duration = Duration::from_millis(100);

fn limit_descriptors(current: Option<u64>) {
    let limit = Rlimit { current, maximum: getrlimit(Resource::Nofile).maximum };
    setrlimit(Resource::Nofile, limit).expect("a limit within the hard one");
}

async fn asks(socket: TcpSocket, address: SocketAddr) -> TcpStream {
    let mut client = socket.connect(address).await.expect("the queue has room");
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is sent");
    client
}

async fn is_answered(client: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        answer.push(client.read_u8().await.expect("an answer"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn clients_wait_while_there_is_no_descriptor_and_are_served_after() {
    let mut service = Service::builder().stub().start().unwrap();
    let listener = service.tcp("web", "127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    service.serve(listener, Router::new().route("/", get(async || "hello")));
    let running = service.ready().await.unwrap();
    let sockets: Vec<_> = (0..3).map(|_| TcpSocket::new_v4().unwrap()).collect();
    let mut kept = asks(TcpSocket::new_v4().unwrap(), address).await;
    is_answered(&mut kept).await;

    let before = getrlimit(Resource::Nofile).current;
    let lowest_free = TcpSocket::new_v4().unwrap().as_raw_fd();
    limit_descriptors(u64::try_from(lowest_free).ok());
    let mut clients = Vec::new();
    for socket in sockets {
        clients.push(asks(socket, address).await);
    }
    assert!(timeout(A_WHILE, is_answered(&mut clients[0])).await.is_err(), "it has to wait");
    assert_eq!(running.in_flight(), 1);
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, is_answered(&mut kept)).await.expect("who is there is served on");

    limit_descriptors(before);
    for client in &mut clients {
        timeout(PATIENCE, is_answered(client)).await.expect("in time");
    }
}
