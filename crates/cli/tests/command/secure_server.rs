//! Servers of what is more than plain HTTP/1.1: over TLS, and of WebSockets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Answers over TLS, and what makes a client trust it.
pub(crate) struct SecureServer {
    pub(crate) address: SocketAddr,
    /// Of a certificate for `example.org`.
    pub(crate) pem: String,
}

impl SecureServer {
    /// Serves HTTP/1.1 until the test ends.
    pub(crate) fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let address = serve(move |stream| answer(stream, Arc::clone(&config)));
        Self { address, pem: made.cert.pem() }
    }
}

/// Echoes the messages of WebSockets until the test ends.
pub(crate) fn start_web_socket_echo() -> SocketAddr {
    serve(|stream| {
        let Ok(mut socket) = tungstenite::accept(stream) else {
            return;
        };
        while let Ok(message) = socket.read() {
            if message.is_binary() && socket.send(message).is_err() {
                return;
            }
        }
    })
}

/// A thread for each connection.
fn serve(converse: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, converse) = (stream.unwrap(), converse.clone());
            thread::spawn(move || converse(stream));
        }
    });
    address
}

/// Until the client goes, or asks to close.
fn answer(stream: TcpStream, config: Arc<ServerConfig>) {
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = String::new();
    let mut closes = false;
    while stream.read_line(&mut line).is_ok_and(|count| count > 0) {
        closes |= line == "connection: close\r\n";
        if line == "\r\n" {
            let stream = stream.get_mut();
            let sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            if sent.and_then(|()| stream.flush()).is_err() {
                return;
            }
            if closes {
                stream.conn.send_close_notify();
                // The client may have gone.
                let _ = stream.flush();
                return;
            }
        }
        line.clear();
    }
}
