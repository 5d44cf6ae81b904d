//! How some of the connections are used. Owns the shape of a group; refuses to open connections.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::endpoint::Endpoint;
use crate::protocol::Protocol;
use crate::request::Request;

/// The longest think time, as a multiple of the mean: an exponential tail has no end of its own.
const LONGEST_THINK: f64 = 10.0;

/// How a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// A connection a request: connect, ask with `Connection: close`, read to the end of file. The
    /// server closes first, as RFC 9112 §9.6 has it, so that `TIME_WAIT` stays on its side.
    New,
    /// Kept alive and saturated: the next request is sent as soon as an answer is whole.
    Keep,
    /// Kept alive and mostly idle: between two requests the client reads and thinks.
    Idle {
        /// The mean of the think times, which are exponentially distributed.
        mean_think: Duration,
    },
}

impl Mode {
    /// Whether a connection serves more than one request.
    pub(crate) fn is_kept(self) -> bool {
        !matches!(self, Self::New)
    }

    /// How long to think before the next request.
    pub(crate) fn think(self, random: &mut fastrand::Rng) -> Duration {
        match self {
            Self::New | Self::Keep => Duration::ZERO,
            // 1 - f64() lies in (0, 1], where the logarithm is finite.
            Self::Idle { mean_think } => {
                mean_think.mul_f64((-(1.0 - random.f64()).ln()).min(LONGEST_THINK))
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::New => "new",
            Self::Keep => "keep",
            Self::Idle { .. } => "idle",
        })
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Connections that do the same. One connection, without pause or end, unless it is told otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub(crate) mode: Mode,
    pub(crate) request: Request,
    pub(crate) connections: usize,
    pub(crate) pause: Duration,
    pub(crate) requests: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) protocol: Protocol,
    pub(crate) rate: Option<f64>,
    pub(crate) upload_time: Option<Duration>,
    pub(crate) read_rate: Option<u64>,
}

impl Group {
    /// One connection, used in this way for this request.
    #[must_use]
    pub fn new(mode: Mode, request: Request) -> Self {
        Self {
            mode,
            request,
            connections: 1,
            pause: Duration::ZERO,
            requests: None,
            rate: None,
            upload_time: None,
            read_rate: None,
            name: None,
            endpoint: None,
            protocol: Protocol::default(),
        }
    }

    /// What tables call it; without it, the name of its mode.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where its connections go, if not where those of the plan go.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// What its connections speak; HTTP/1.1 without it.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// How many connections are open at the same time.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// A pause of each connection after each answer, in which the client goes on reading: it limits
    /// the rate, in a closed loop. It adds to the think time.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How many requests a second the whole group starts, whatever becomes of their answers: an
    /// open loop. It takes the place of think times and pauses.
    ///
    /// The times at which requests are due are laid down at the start, evenly, and dealt out to the
    /// connections in turn. A connection that still waits for an answer when its next request is
    /// due sends that as soon as it can; latencies count from when a request was *due*, so that a
    /// server that stands still for 100 ms shows this in each request that should have been made
    /// meanwhile, and not only in the few that were (as wrk2 does it). A latency can therefore be
    /// longer than the time limit of a request, which begins when it is sent. What was due before
    /// the end is still sent up to 1 s after it; what cannot be by then, since its connection still
    /// waits, counts as [`Tally::never_sent`](crate::Tally::never_sent).
    ///
    /// Without a rate each connection asks when it has been answered: a closed loop.
    #[must_use]
    pub fn rate(mut self, per_second: f64) -> Self {
        self.rate = Some(per_second);
        self
    }

    /// How long the body of each request takes to send: it goes out evenly over this time, after
    /// the head.
    #[must_use]
    pub fn upload_time(mut self, time: Duration) -> Self {
        self.upload_time = Some(time);
        self
    }

    /// How fast answers are read, in bytes a second, at most: so that they are still under way
    /// when the server restarts. The socket's receive buffer is made small for it, so that what is
    /// not read yet is mostly still with the server. (A Unix socket has no such buffer: there the
    /// server's own holds it.)
    #[must_use]
    pub fn read_rate(mut self, bytes_per_second: u64) -> Self {
        self.read_rate = Some(bytes_per_second);
        self
    }

    /// How many requests each connection (with HTTP/2, each of its streams) starts, at most;
    /// without it, they go on until the load stops.
    #[must_use]
    pub fn requests(mut self, requests: u64) -> Self {
        self.requests = Some(requests);
        self
    }

    /// How many requests are under way at the same time.
    pub(crate) fn lanes(&self) -> usize {
        self.connections * self.protocol.lanes()
    }

    /// What tables call it.
    pub(crate) fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.mode.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn think_times_are_exponential_and_bounded() {
        let mean_think = Duration::from_millis(100);
        let mode = Mode::Idle { mean_think };
        let mut random = fastrand::Rng::with_seed(7);
        let thinks: Vec<_> = (0..20_000).map(|_| mode.think(&mut random)).collect();
        let mean = thinks.iter().sum::<Duration>() / 20_000;
        assert!(mean > mean_think.mul_f64(0.95) && mean < mean_think.mul_f64(1.05), "{mean:?}");
        // P(think < mean) = 1 - 1/e = 0.632: a uniform or fixed time would not have it.
        let below = thinks.iter().filter(|think| **think < mean_think).count();
        assert!((12_200..13_100).contains(&below), "{below}");
        assert!(thinks.iter().all(|think| *think <= mean_think * 10));
    }

    #[test]
    fn the_seed_decides_the_think_times() {
        let mode = Mode::Idle { mean_think: Duration::from_secs(1) };
        let think = |seed| mode.think(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(think(1), think(1));
        assert_ne!(think(1), think(2));
    }

    #[test]
    fn only_idle_thinks_and_only_new_is_not_kept() {
        let mut random = fastrand::Rng::with_seed(1);
        assert_eq!(Mode::Keep.think(&mut random), Duration::ZERO);
        assert_eq!(Mode::New.think(&mut random), Duration::ZERO);
        assert!(!Mode::New.is_kept() && Mode::Keep.is_kept());
        assert_eq!(Mode::Idle { mean_think: Duration::ZERO }.to_string(), "idle");
    }
}
