//! One client: request after request on one connection at a time. Owns what is counted when;
//! refuses to try anything twice.
//!
//! ```text
//!            ┌──────────── rest: think and pause, reading ◄───────────┐
//!            ▼                                                        │
//!  (no connection) ──► Connecting ──► Sending ──► Awaiting ──► Reading│─► answered
//!            ▲                                                  │     │
//!            └── Closing: the server closes after its last answer ◄───┘
//! ```
//! A fault in any phase ends the request and the connection. The next request is another one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::account::failure::{Failure, FailureKind, Fault, Phase};
use crate::account::generation::Generations;
use crate::account::tally::Counters;
use crate::http1::exchange::{Exchange, Received};
use crate::recognise::Responder;
use crate::request::Draft;
use crate::run::{GroupRun, Run};
use crate::stop::Stop;
use crate::stream::{Glance, Stream};
use crate::wrong::WrongAnswer;

/// How long the server may take to close after the answer that it must close after (RFC 9112 §9.6).
/// After that the client closes, and holds nothing against it: the answer was whole.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// The rest after a connection that could not be opened. The next attempt is another request, so
/// that this is no retry; without it, a dead server would have the client burn the machine.
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// One client of a group.
#[derive(Debug)]
pub(crate) struct Client {
    run: Arc<Run>,
    group: Arc<GroupRun>,
    /// Its place in the group.
    place: usize,
    stop: Stop,
    random: fastrand::Rng,
    draft: Draft,
    exchange: Exchange,
    connection: Option<Connection>,
    generations: Generations,
}

#[derive(Debug)]
struct Connection {
    stream: Stream,
    local_port: Option<u16>,
    answered: u64,
    last_responder: Option<Responder>,
}

impl Client {
    pub(crate) fn new(
        run: Arc<Run>,
        group: Arc<GroupRun>,
        place: usize,
        stop: Stop,
        random: fastrand::Rng,
        draft: Draft,
    ) -> Self {
        Self {
            run,
            group,
            place,
            stop,
            random,
            draft,
            exchange: Exchange::new(),
            connection: None,
            generations: Generations::default(),
        }
    }

    /// Asks until it is over. A request under way then is finished first.
    pub(crate) async fn run(mut self) -> Generations {
        let mut left = self.group.group.requests.unwrap_or(u64::MAX);
        while left > 0 && !self.stop.is_over() {
            left -= 1;
            // A failed request is thought about like any other: what follows is no second try.
            let mut rest = self.group.group.mode.think(&mut self.random) + self.group.group.pause;
            if let Err(fault) = self.request().await {
                rest += self.fail(fault);
            }
            // After the last request too: a close that came with its answer is not to be missed.
            self.rest(if left > 0 { rest } else { Duration::ZERO }).await;
        }
        self.generations
    }

    /// One request, from its start to its end.
    async fn request(&mut self) -> Result<(), Fault> {
        self.draft.renew(&mut self.random);
        self.counters().started.add_one();
        let began = Instant::now();
        let asked = timeout_at(began + self.run.request_limit, self.ask()).await;
        let received = asked.unwrap_or(Err(Fault::TIMED_OUT))?;
        self.run.gaps.answered(received.at - self.run.started);
        let is_last = !received.keeps || !self.group.group.mode.is_kept();
        if is_last {
            self.await_close().await?;
        }
        self.count_answer(received, began);
        if is_last {
            self.connection = None;
        }
        Ok(())
    }

    /// Connects if need be, sends and reads.
    async fn ask(&mut self) -> Result<Received, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.exchange.enter(Phase::Connecting);
                let connected = self.run.connector.connect().await?;
                none.insert(Connection {
                    stream: connected.stream,
                    local_port: connected.local_port,
                    answered: 0,
                    last_responder: None,
                })
            }
        };
        self.exchange.run(&connection.stream, &self.draft).await
    }

    /// Lets the server close first after its last answer, and sees that nothing follows it.
    async fn await_close(&mut self) -> Result<(), Fault> {
        self.exchange.enter(Phase::Closing);
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        match timeout(CLOSE_GRACE, connection.stream.until_not_quiet()).await {
            Ok(Glance::Bytes(count_bytes)) => Err(WrongAnswer::ExtraBytes { count_bytes }.into()),
            // A reset harms nobody here: the answer had come whole.
            Ok(Glance::Quiet | Glance::Ended(_)) | Err(_) => Ok(()),
        }
    }

    fn count_answer(&mut self, received: Received, began: Instant) {
        let answer = self.exchange.answer();
        let responder = answer.and_then(|answer| self.run.recognise.recognise(&answer));
        if let Some(connection) = &mut self.connection {
            connection.answered += 1;
            if let Some(responder) = responder {
                self.generations.answered(responder, received.at - self.run.started);
                if connection.last_responder.replace(responder) != Some(responder) {
                    self.run.newest.saw(responder.generation);
                }
            }
        }
        self.group.latencies.record(received.at - began);
        self.counters().answered.add_one();
        if self.group.group.mode.is_kept() && !received.keeps {
            self.counters().announced_close.add_one();
        }
    }

    /// Thinks and pauses, and notices what happens on the connection meanwhile.
    async fn rest(&mut self, rest: Duration) {
        if !rest.is_zero() {
            let until = Instant::now() + rest;
            self.rest_until(until).await;
        }
        // The last look before the next request, or before our own close.
        let seen = self.connection.as_ref().map(|connection| connection.stream.glance());
        self.notice(seen);
    }

    async fn rest_until(&mut self, until: Instant) {
        let seen = match &self.connection {
            None => None,
            Some(connection) => tokio::select! {
                seen = connection.stream.until_not_quiet() => Some(seen),
                () = sleep_until(until) => return,
                () = self.stop.over() => return,
            },
        };
        self.notice(seen);
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.stop.over() => {}
        }
    }

    /// Counts what was seen on a connection without a request under way, and leaves that one.
    fn notice(&mut self, seen: Option<Glance>) {
        let fault = match seen {
            None | Some(Glance::Quiet) => return,
            Some(Glance::Ended(cause)) => Fault { kind: FailureKind::ClosedBetweenRequests, cause },
            Some(Glance::Bytes(count_bytes)) => Fault {
                kind: FailureKind::Unsolicited,
                cause: WrongAnswer::ExtraBytes { count_bytes }.into(),
            },
        };
        self.exchange.enter(Phase::Idle);
        self.fail(fault);
    }

    /// Counts and records a fault, leaves its connection, and says how long to rest after it.
    fn fail(&mut self, fault: Fault) -> Duration {
        let connection = self.connection.take();
        let phase = self.exchange.phase();
        let answered_before = connection.as_ref().map_or(0, |connection| connection.answered);
        let crossed = answered_before > 0
            && matches!(fault.kind, FailureKind::Reset | FailureKind::Lost)
            && matches!(phase, Phase::Sending | Phase::Awaiting);
        if crossed {
            self.counters().crossed.add_one();
        }
        self.counters().of(fault.kind).add_one();
        self.run.failures.add(Failure {
            at: self.run.elapsed(),
            kind: fault.kind,
            phase,
            cause: fault.cause,
            group: self.group.index,
            mode: self.group.group.mode,
            local_port: connection.as_ref().and_then(|connection| connection.local_port),
            answered_before,
            crossed,
            last_responder: connection.and_then(|connection| connection.last_responder),
            newest_generation: self.run.newest.generation(),
        });
        if phase == Phase::Connecting { CONNECT_PAUSE } else { Duration::ZERO }
    }

    fn counters(&self) -> &Counters {
        &self.group.counters[self.place]
    }
}
