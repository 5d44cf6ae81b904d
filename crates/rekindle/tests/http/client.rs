//! A client that sees each byte: HTTP/1.1 by hand.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::PATIENCE;

/// One connection.
pub(crate) struct Client<S = TcpStream> {
    stream: BufReader<S>,
}

/// A response, read whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).await.expect("somebody listens"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("it is connected")
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("it is sent");
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.send(&get(path)).await;
        self.response().await
    }

    /// The next response; panics if there is none.
    pub(crate) async fn response(&mut self) -> Response {
        timeout(PATIENCE, self.try_response()).await.expect("in time").expect("a response")
    }

    async fn try_response(&mut self) -> std::io::Result<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).await? == 0 {
                return Err(std::io::Error::other(format!("the connection ended: {head:?}")));
            }
        }
        let status = head[9..12].parse().expect("a status");
        let length = head.to_ascii_lowercase();
        let length = length.split_once("content-length: ").map_or("0", |(_, rest)| rest);
        let length: usize = length.lines().next().unwrap_or("0").parse().expect("a length");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Response { status, head, body: String::from_utf8(body).expect("text") })
    }

    /// Reads up to a text.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = timeout(PATIENCE, self.stream.read_u8()).await.expect("in time");
            text.push(char::from(byte.unwrap_or_else(|error| panic!("{error} after {text:?}"))));
        }
        text
    }

    /// Waits for the end, and returns what came before.
    pub(crate) async fn end(&mut self) -> String {
        let mut rest = String::new();
        // What was not read there resets the connection here: that is an end as well.
        let _ = timeout(PATIENCE, self.stream.read_to_string(&mut rest)).await.expect("in time");
        rest
    }

    /// Whether the connection is still open after a while in which nothing comes.
    pub(crate) async fn is_open_for(&mut self, while_: Duration) -> bool {
        timeout(while_, self.stream.read_u8()).await.is_err()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

pub(crate) fn post(path: &str, body: &str) -> String {
    format!("{}{body}", post_head(path, body.len()))
}

pub(crate) fn post_head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

impl Response {
    pub(crate) fn says_close(&self) -> bool {
        self.head.to_ascii_lowercase().contains("\r\nconnection: close\r\n")
    }
}
