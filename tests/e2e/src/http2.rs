//! A client that speaks HTTP/2 with prior knowledge (RFC 9113 §3.3). Owns one connection and tells
//! apart what became of each request; refuses to send anything twice.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::http::HttpAnswer;

/// One connection. Clones send their requests over the same one.
#[derive(Debug, Clone)]
pub struct Http2Client {
    sender: SendRequest<Bytes>,
    authority: String,
}

/// The end of a connection: well if the server has said goodbye and all was answered.
pub type Http2End = JoinHandle<Result<(), h2::Error>>;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Http2Error {
    /// The server had said goodbye, so that the request was not sent.
    NotSent,
    /// It crossed the goodbye, which says that the server has not looked at it and never will. So
    /// it may be sent again (RFC 9113 §6.8).
    Refused,
    /// It was sent, and was not answered whole.
    Lost(h2::Error),
    /// What came is no right answer.
    Wrong(String),
}

impl From<h2::Error> for Http2Error {
    /// Why there is no answer on a stream that was opened. What the library reports like this is a
    /// stream beyond the last one that the goodbye names; others go on.
    fn from(error: h2::Error) -> Self {
        let is_goodbye = error.reason() == Some(h2::Reason::NO_ERROR);
        if error.is_go_away() && error.is_remote() && is_goodbye {
            Self::Refused
        } else {
            Self::Lost(error)
        }
    }
}

impl Http2Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// What the system says, or what was wrong in the beginning of the connection.
    pub async fn connect(address: SocketAddr) -> io::Result<(Self, Http2End)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let shaken = h2::client::handshake(stream).await;
        let (sender, connection) = shaken.map_err(io::Error::other)?;
        Ok((Self { sender, authority: address.to_string() }, tokio::spawn(connection)))
    }

    /// Asks for `path`.
    ///
    /// # Errors
    ///
    /// [`Http2Error`].
    pub async fn get(&mut self, path: &str) -> Result<HttpAnswer, Http2Error> {
        self.ask("GET", path, Bytes::new()).await
    }

    /// Has `body` echoed.
    ///
    /// # Errors
    ///
    /// [`Http2Error`].
    pub async fn echo(&mut self, body: Bytes) -> Result<HttpAnswer, Http2Error> {
        let answer = self.ask("POST", "/echo", body.clone()).await?;
        if answer.body == body {
            Ok(answer)
        } else {
            Err(Http2Error::Wrong(format!("{answer:?} to {body:?}")))
        }
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Bytes,
    ) -> Result<HttpAnswer, Http2Error> {
        let uri = format!("http://{}{path}", self.authority);
        let request = Request::builder().method(method).uri(uri).body(());
        let request = request.map_err(|error| Http2Error::Wrong(error.to_string()))?;
        let not_sent = |_: h2::Error| Http2Error::NotSent;
        let mut sender = self.sender.clone().ready().await.map_err(not_sent)?;
        let (answered, mut stream) =
            sender.send_request(request, body.is_empty()).map_err(not_sent)?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        answer(answered.await?).await
    }
}

async fn answer(response: Response<RecvStream>) -> Result<HttpAnswer, Http2Error> {
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    let field = |name| head.headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    match (head.status, field("x-pid"), field("x-generation")) {
        (StatusCode::OK, Some(pid), Some(generation)) => Ok(HttpAnswer {
            pid: u32::try_from(pid).unwrap_or_default(),
            generation,
            closes: head.headers.contains_key("connection"),
            body,
        }),
        _ => Err(Http2Error::Wrong(format!("{head:?}"))),
    }
}
