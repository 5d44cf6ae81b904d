//! So many requests a second, whether they are answered or not: an open loop. The time of each is
//! counted from when it was due, so that a server that stands still cannot hide it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::connection::{Connection, Progress};
use super::poller::Poller;

/// How long the last answers may take after the last request was due.
const PATIENCE: Duration = Duration::from_secs(10);

/// A place for a connection, and since when the request on it is due.
struct Place {
    connection: Connection,
    due: Option<Instant>,
}

pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    rate: u64,
) -> Result<Value> {
    ensure!(rate > 0 && connections > 0, "ask at a rate: it takes a connection and a rate");
    let mut poller = Poller::new()?;
    let mut places = Vec::new();
    for place in 0..connections {
        let connection = Connection::open(address).context("connect")?;
        poller.watch(place, &connection)?;
        places.push(Place { connection, due: None });
    }
    let mut free: VecDeque<usize> = (0..connections).collect();
    let total = rate * u64::try_from(duration.as_millis())? / 1_000;
    let start = Instant::now();
    let (mut begun, mut failed) = (0, 0u64);
    let mut latencies_ns = Vec::with_capacity(usize::try_from(total)?);
    while begun < total || free.len() < connections {
        ensure!(start.elapsed() < duration + PATIENCE, "hear all answers in time");
        let mut next = start + due_after(begun, rate);
        while begun < total && next <= Instant::now() {
            let Some(place) = free.pop_front() else { break };
            let Place { connection, due } = &mut places[place];
            connection.ask().context("ask")?;
            *due = Some(next);
            begun += 1;
            next = start + due_after(begun, rate);
        }
        let all_busy = free.is_empty() || begun == total;
        let patience = if all_busy { PATIENCE } else { next - Instant::now().min(next) };
        for place in poller.wait(patience)? {
            let Place { connection, due } = &mut places[place];
            match connection.receive() {
                Ok(Progress::Partly) => continue,
                Ok(Progress::Answered(answer)) if !answer.announces_close => {
                    let due = due.take().context("get an answer to no request")?;
                    latencies_ns.push(u64::try_from(due.elapsed().as_nanos())?);
                }
                Ok(Progress::Answered(_) | Progress::Closed) | Err(_) => {
                    failed += 1;
                    *connection = Connection::open(address).context("connect")?;
                    poller.watch(place, connection)?;
                    if due.take().is_none() {
                        continue;
                    }
                }
            }
            free.push_back(place);
        }
    }
    latencies_ns.sort_unstable();
    let at = |per_mille| at_quantile(&latencies_ns, per_mille);
    Ok(json!({
        "requests": latencies_ns.len(), "failed": failed,
        "p50_ns": at(500), "p99_ns": at(990), "p999_ns": at(999), "most_ns": at(1_000),
    }))
}

/// When request number `number` is due.
fn due_after(number: u64, rate: u64) -> Duration {
    Duration::from_nanos(number * 1_000_000_000 / rate)
}

/// The value below which so many of a thousand are.
fn at_quantile(sorted: &[u64], per_mille: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * per_mille / 1_000).copied().unwrap_or_default()
}
