//! Load over HTTP/2 by clients that obey a server's goodbye: they ask for nothing more on that
//! connection, and go on over a new one. Owns the clients and their account; refuses to pass over a
//! failure.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::http2::{Http2Client, Http2Error};

/// A pause between two requests of a stream, so that the load leaves a small machine time for the
/// upgrades.
const PAUSE: Duration = Duration::from_millis(2);

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
