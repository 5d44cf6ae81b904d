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

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::account::failure::{Failure, FailureKind, Fault, Phase};
use crate::account::generation::Generations;
use crate::account::tally::Counters;
use crate::conversation::Conversation;
use crate::received::Received;
use crate::recognise::Responder;
use crate::run::{GroupRun, Run};
use crate::stop::Stop;
use crate::stream::Glance;
use crate::wrong::WrongAnswer;

/// How long the server may take to close after the answer that it must close after (RFC 9112 §9.6).
/// After that the client closes, and holds nothing against it: the answer was whole.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// The rest after a connection that could not be opened. The next attempt is another request, so
/// that this is no retry; without it, a dead server would have the client burn the machine. In an
/// open loop it is not made: the rate says how often to ask.
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
    conversation: Conversation,
    phase: Phase,
    /// The account of its connection, if it has one.
    connection: Option<Connection>,
    generations: Generations,
    /// The places of the failures after which nobody has answered yet.
    unfollowed: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Connection {
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
        conversation: Conversation,
    ) -> Self {
        Self {
            run,
            group,
            place,
            stop,
            random,
            conversation,
            phase: Phase::Idle,
            connection: None,
            generations: Generations::default(),
            unfollowed: Vec::new(),
        }
    }

    /// Asks until it is over. A request under way then is finished first.
    pub(crate) async fn run(mut self) -> Generations {
        let mut rest = Duration::ZERO;
        for number in 0..self.group.group.requests.unwrap_or(u64::MAX) {
            let Some(since) = self.turn(number, rest).await else {
                break;
            };
            // A failed request is thought about like any other: what follows is no second try.
            rest = self.group.group.mode.think(&mut self.random) + self.group.group.pause;
            if let Err(fault) = self.request(since).await {
                rest += self.fail(fault);
            }
        }
        // A close that came with the last answer is not to be missed.
        self.look();
        self.generations
    }

    /// Rests until the next request begins, and says since when its answer is waited for: in an
    /// open loop since it was due, else from now on. `None` if it is over.
    async fn turn(&mut self, number: u64, rest: Duration) -> Option<Instant> {
        let due = match self.group.pacer.clone() {
            Some(pacer) => {
                let due = pacer.due(self.place, number);
                if due > Instant::now() {
                    self.rest(pacer.until_due(self.place, number)).await;
                }
                Some(due)
            }
            None => {
                if !rest.is_zero() {
                    self.rest(sleep(rest)).await;
                }
                None
            }
        };
        self.look();
        (!self.stop.is_over()).then(|| due.unwrap_or_else(Instant::now))
    }

    /// One request, from its start to its end. Its answer has been waited for since then.
    async fn request(&mut self, since: Instant) -> Result<(), Fault> {
        self.conversation.renew(&mut self.random);
        self.counters().started.add_one();
        let asked = timeout(self.run.request_limit, self.ask()).await;
        let received = asked.unwrap_or(Err(Fault::TIMED_OUT))?;
        self.run.gaps.answered(received.at - self.run.started);
        let is_last = !received.keeps || !self.group.group.mode.is_kept();
        if is_last {
            self.await_close().await?;
        }
        self.count_answer(received, since);
        if is_last {
            self.leave();
        }
        Ok(())
    }

    /// Connects if need be, sends and reads.
    async fn ask(&mut self) -> Result<Received, Fault> {
        loop {
            if self.connection.is_none() {
                self.connect().await?;
            }
            if self.conversation.begin().await? {
                return self.conversation.exchange(&mut self.phase).await;
            }
            // It ended since the last look, and nothing was sent on it.
            self.look();
            self.leave();
        }
    }

    async fn connect(&mut self) -> Result<(), Fault> {
        self.phase = Phase::Connecting;
        let local_port = self.conversation.connect(&self.group.connector).await?;
        // From here on there is a connection to tell of, even if no handshake succeeds.
        self.connection = Some(Connection { local_port, answered: 0, last_responder: None });
        self.conversation.greet(&mut self.phase).await
    }

    /// Lets the server close first after its last answer, and sees that nothing follows it.
    async fn await_close(&mut self) -> Result<(), Fault> {
        self.phase = Phase::Closing;
        match timeout(CLOSE_GRACE, self.conversation.close()).await {
            Ok(Glance::Bytes(count_bytes)) => Err(WrongAnswer::ExtraBytes { count_bytes }.into()),
            Ok(Glance::Wrong(wrong)) => Err(wrong.into()),
            // A reset harms nobody here: the answer had come whole.
            Ok(Glance::Quiet | Glance::Goodbye | Glance::Ended(_) | Glance::Left) | Err(_) => {
                Ok(())
            }
        }
    }

    fn count_answer(&mut self, received: Received, since: Instant) {
        let answer = self.conversation.answer();
        let responder = answer.and_then(|answer| self.run.recognise.recognise(&answer));
        if let Some(connection) = &mut self.connection {
            connection.answered += 1;
            if let Some(responder) = responder {
                let at = received.at - self.run.started;
                if self.generations.answered(responder, at) {
                    self.run.arrivals.answered(responder, at);
                }
                if !self.unfollowed.is_empty() {
                    self.run.failures.followed(self.unfollowed.drain(..), responder);
                }
                if connection.last_responder.replace(responder) != Some(responder) {
                    self.run.newest.saw(responder.generation);
                }
            }
        }
        self.group.latencies.record(received.at - since);
        self.counters().answered.add_one();
        if self.group.group.mode.is_kept() && !received.keeps {
            self.counters().announced_close.add_one();
        }
    }

    /// Rests for so long, and notices what happens on the connection meanwhile.
    async fn rest(&mut self, time: impl Future<Output = ()>) {
        let mut time = pin!(time);
        if self.connection.is_some() {
            let seen = tokio::select! {
                seen = self.conversation.until_not_quiet() => seen,
                () = &mut time => return,
                () = self.stop.over() => return,
            };
            self.notice(seen);
        }
        tokio::select! {
            () = time => {}
            () = self.stop.over() => {}
        }
    }

    /// The last look before the next request, or before our own close.
    fn look(&mut self) {
        if self.connection.is_some() {
            let seen = self.conversation.glance();
            self.notice(seen);
        }
    }

    /// Counts what was seen on a connection without a request under way, and leaves that one.
    fn notice(&mut self, seen: Glance) {
        let unsolicited =
            |wrong: WrongAnswer| Fault { kind: FailureKind::Unsolicited, cause: wrong.into() };
        let fault = match seen {
            Glance::Quiet => return,
            Glance::Goodbye => {
                self.counters().announced_close.add_one();
                self.leave();
                return;
            }
            Glance::Left => {
                self.leave();
                return;
            }
            Glance::Ended(cause) => Fault { kind: FailureKind::ClosedBetweenRequests, cause },
            Glance::Bytes(count_bytes) => unsolicited(WrongAnswer::ExtraBytes { count_bytes }),
            Glance::Wrong(wrong) => unsolicited(wrong),
        };
        self.phase = Phase::Idle;
        self.fail(fault);
    }

    fn leave(&mut self) {
        self.connection = None;
        self.conversation.leave();
    }

    /// Counts and records a fault, leaves its connection, and says how long to rest after it.
    fn fail(&mut self, fault: Fault) -> Duration {
        let phase = self.phase;
        let own = self.connection.as_ref().map_or(0, |connection| connection.answered);
        let answered_before = self.conversation.answered().unwrap_or(own);
        let may_have_crossed = answered_before > 0
            && matches!(fault.kind, FailureKind::Reset | FailureKind::Lost)
            && matches!(phase, Phase::Sending | Phase::Awaiting);
        let crossed = fault.cause.says_crossed().unwrap_or(may_have_crossed);
        let connection = match &self.connection {
            Some(connection) if self.conversation.survives() => Some(connection.clone()),
            Some(_) | None => {
                self.conversation.leave();
                self.connection.take()
            }
        };
        let kept = self.run.failures.add(|restart| {
            if crossed {
                self.counters().crossed.add_one();
            }
            self.counters().of(fault.kind).add_one();
            Failure {
                at: self.run.elapsed(),
                kind: fault.kind,
                phase,
                cause: fault.cause,
                group: self.group.index,
                mode: self.group.group.mode,
                local_port: connection.as_ref().and_then(|connection| connection.local_port),
                answered_before,
                crossed,
                restart,
                last_responder: connection.and_then(|connection| connection.last_responder),
                next_responder: None,
                newest_generation: self.run.newest.generation(),
            }
        });
        self.unfollowed.extend(kept);
        let is_unopened = matches!(phase, Phase::Connecting | Phase::Handshaking);
        // A datagram is refused when it has been sent.
        let is_refused = fault.kind == FailureKind::Refused;
        if is_unopened || is_refused { CONNECT_PAUSE } else { Duration::ZERO }
    }

    fn counters(&self) -> &Counters {
        &self.group.counters[self.place]
    }
}
