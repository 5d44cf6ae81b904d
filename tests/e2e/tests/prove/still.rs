//! Servers that are never restarted: in no mode is anything noticed.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use rekindle_e2e::{Certificate, Face, Launch, Programs, Settings};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UdpSocket};

use crate::command::prove;

/// A server over TLS, which serves HTTP/1.1 and HTTP/2.
const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_tls_server"),
    impostor: env!("CARGO_BIN_EXE_impostor"),
    ask: env!("CARGO_BIN_EXE_ask"),
};

/// Echoes what comes by TCP.
async fn tcp_echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                // A client that leaves ends it.
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

/// Echoes datagrams.
async fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            let _ = socket.send_to(&bytes[..length], from).await;
        }
    });
    address
}

/// Echoes messages of WebSockets.
async fn websocket_echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut messages = tokio_tungstenite::accept_async(socket).await.unwrap();
                while let Some(Ok(message)) = messages.next().await {
                    if message.is_binary() && messages.send(message).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_noticed_of_a_server_that_is_never_restarted() {
    let server = crate::trial::server();
    let certificate = Certificate::new();
    let launch = Launch::new(PROGRAMS, &Settings::new(Face::Tokio));
    certificate.install(launch.installation().directory());
    let authority = launch.installation().path(Certificate::CHAIN_FILE);
    let tls = launch.start();
    let tls_at = format!("localhost:{}", tls.socket_address("http").port());
    let words = [
        "new".to_owned(),
        "keep".to_owned(),
        "idle".to_owned(),
        "post@/post".to_owned(),
        "slow@/slow?ms=300".to_owned(),
        "upload@/upload".to_owned(),
        format!("tcp@tcp://{}", tcp_echo().await),
        format!("udp@udp://{}", udp_echo().await),
        format!("ws@ws://{}/", websocket_echo().await),
        format!("new@https://{tls_at}/"),
        format!("keep@https://{tls_at}/"),
        format!("h2@https://{tls_at}/"),
    ];
    let url = format!("http://{}/", server.address());
    let mut all = vec![url.as_str(), "--duration", "3s", "--upload-time", "300ms", "--cacert"];
    all.push(authority.to_str().unwrap());
    all.extend(words.iter().flat_map(|word| ["--mode", word]));
    let found = prove(&all);
    found.nothing_noticed(0);
    assert_eq!(found.groups().count(), words.len());
    assert_eq!(server.deeds(), []);
}
