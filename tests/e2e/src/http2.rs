//! Clients that speak HTTP/2 with prior knowledge (RFC 9113 §3.3) and obey a server's goodbye: what
//! was not sent yet goes over the next connection. They refuse to send anything twice.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::http::HttpAnswer;

/// A pause between two requests of a stream, so that the load leaves a small machine time for the
/// upgrades.
const PAUSE: Duration = Duration::from_millis(2);

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

/// Clients at work.
#[derive(Debug)]
#[must_use = "what it found is told when it is stopped"]
pub struct Http2Load {
    shared: Arc<Shared>,
    connections: JoinSet<Http2Outcome>,
}

/// What clients found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http2Outcome {
    /// How many requests were answered.
    pub answered: u64,
    /// How often the server said goodbye.
    pub goodbyes: u64,
    /// How many requests crossed it.
    pub refused: u64,
    /// Which generations answered.
    pub generations: BTreeSet<u64>,
    /// What went wrong.
    pub failures: Vec<String>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    streams: usize,
    stop: AtomicBool,
    answered: AtomicU64,
}

impl Http2Load {
    /// Starts so many connections, each with so many streams at a time, as tasks of the caller's
    /// runtime. A stream asks, or has something echoed; some take a while.
    pub fn start(address: SocketAddr, connections: usize, streams: usize) -> Self {
        let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let shared = Arc::new(Shared { address, streams, stop, answered });
        let connections = (0..connections).map(|_| shared.clone().keep_connected()).collect();
        Self { shared, connections }
    }

    /// How many requests were answered so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Lets the last requests be answered, and tells what was found.
    pub async fn stop(self) -> Http2Outcome {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut sum = Http2Outcome::default();
        self.connections.join_all().await.into_iter().for_each(|outcome| sum.add(outcome));
        sum
    }
}

impl Shared {
    /// One connection after the other.
    async fn keep_connected(self: Arc<Self>) -> Http2Outcome {
        let mut outcome = Http2Outcome::default();
        while !self.stop.load(Ordering::Relaxed) {
            let (client, end) = match Http2Client::connect(self.address).await {
                Ok(connected) => connected,
                Err(error) => {
                    outcome.failures.push(format!("connect: {error:?}"));
                    return outcome;
                }
            };
            let streams: JoinSet<_> =
                (0..self.streams).map(|_| Arc::clone(&self).ask_on(client.clone())).collect();
            drop(client);
            streams.join_all().await.into_iter().for_each(|one| outcome.add(one));
            match end.await {
                Ok(Ok(())) => outcome.goodbyes += 1,
                other => outcome.failures.push(format!("the connection ends: {other:?}")),
            }
        }
        // The last connection was closed by ourselves.
        outcome.goodbyes = outcome.goodbyes.saturating_sub(1);
        outcome
    }

    /// Request after request, until the server has said goodbye.
    async fn ask_on(self: Arc<Self>, mut client: Http2Client) -> Http2Outcome {
        let mut outcome = Http2Outcome::default();
        while !self.stop.load(Ordering::Relaxed) {
            let asked = match fastrand::u8(0..4) {
                0 => client.get(&format!("/slow?ms={}", fastrand::u8(1..100))).await,
                1 => client.get("/").await,
                _ => {
                    let body = std::iter::repeat_with(|| fastrand::u8(..)).take(2048).collect();
                    client.echo(body).await
                }
            };
            match asked {
                Ok(answer) => {
                    outcome.answered += 1;
                    outcome.generations.insert(answer.generation);
                    self.answered.fetch_add(1, Ordering::Relaxed);
                }
                Err(Http2Error::NotSent) => return outcome,
                Err(Http2Error::Refused) => {
                    outcome.refused += 1;
                    return outcome;
                }
                Err(error) => outcome.failures.push(format!("{error:?}")),
            }
            // A closed-loop rate limit.
            sleep(PAUSE).await;
        }
        outcome
    }
}

impl Http2Outcome {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.goodbyes += other.goodbyes;
        self.refused += other.refused;
        self.generations.extend(other.generations);
        self.failures.extend(other.failures);
    }
}
