//! As many requests as the server answers, one at a time on each connection.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::connection::{Connection, Progress};
use super::poller::Poller;

/// How long to sleep at most, so that the end is not overslept.
const NAP: Duration = Duration::from_millis(20);

/// On which connection the next request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On the same.
    Kept,
    /// On one of its own. The server closes them, so that no ports of ours are in `TIME_WAIT`.
    New,
}

pub(crate) fn run(
    mode: Mode,
    address: SocketAddr,
    connections: usize,
    duration: Duration,
) -> Result<Value> {
    let mut poller = Poller::new()?;
    let mut places = Vec::new();
    for place in 0..connections {
        places.push(Place::open(mode, address, place, &poller)?);
    }
    let start = Instant::now();
    for place in &mut places {
        place.ask().context("ask")?;
    }
    let (mut requests, mut failed) = (0u64, 0u64);
    while start.elapsed() < duration {
        for place in poller.wait(NAP)? {
            match places[place].step() {
                Ok(Step::Wait) => continue,
                Ok(Step::Answered) => {
                    requests += 1;
                    continue;
                }
                Ok(Step::Over) => {}
                Err(_) => failed += 1,
            }
            places[place] = Place::open(mode, address, place, &poller)?;
            places[place].ask().context("ask")?;
        }
    }
    let took_ns = u64::try_from(start.elapsed().as_nanos())?;
    Ok(json!({ "requests": requests, "failed": failed, "took_ns": took_ns }))
}

/// What came of reading from a connection.
#[derive(Debug)]
enum Step {
    /// Nothing yet.
    Wait,
    /// An answer.
    Answered,
    /// The end that was asked for: the place is free.
    Over,
}

/// A place for a connection.
#[derive(Debug)]
struct Place {
    mode: Mode,
    connection: Connection,
    /// Whether the request on it was answered: what is closed after that is not lost.
    answered: bool,
}

impl Place {
    fn open(mode: Mode, address: SocketAddr, place: usize, poller: &Poller) -> Result<Self> {
        let connection = Connection::open(address).context("connect")?;
        poller.watch(place, &connection)?;
        Ok(Self { mode, connection, answered: false })
    }

    fn ask(&mut self) -> io::Result<()> {
        self.answered = false;
        match self.mode {
            Mode::Kept => self.connection.ask(),
            Mode::New => self.connection.ask_last(),
        }
    }

    /// Reads what is there, and asks again on a kept connection.
    fn step(&mut self) -> io::Result<Step> {
        match (self.connection.receive()?, self.mode) {
            (Progress::Partly, _) => Ok(Step::Wait),
            (Progress::Answered(answer), Mode::Kept) if answer.announces_close => {
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            (Progress::Answered(_), Mode::Kept) => self.ask().map(|()| Step::Answered),
            (Progress::Answered(_), Mode::New) => {
                self.answered = true;
                Ok(Step::Answered)
            }
            (Progress::Closed, Mode::New) if self.answered => Ok(Step::Over),
            (Progress::Closed, _) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}
