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

mod account;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use self::account::ClientAccount;
use crate::account::failure::{FailureKind, Phase};
use crate::account::fault::Fault;
use crate::account::generation::Generations;
use crate::conversation::Conversation;
use crate::pacer::Pacer;
use crate::received::Received;
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

/// How long after the end what was due before it is still sent, in an open loop: a client that was
/// woken a moment late is no stall of the server. Such a request is late, and its latency says so.
const CATCH_UP: Duration = Duration::from_secs(1);

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
    account: ClientAccount,
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
        let account = ClientAccount::new(Arc::clone(&run), Arc::clone(&group), place);
        Self { run, group, place, stop, random, conversation, phase: Phase::Idle, account }
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
        self.account.into_generations()
    }

    /// Rests until the next request begins, and says since when its answer is waited for: in an
    /// open loop since it was due, else from now on. `None` if it is over.
    async fn turn(&mut self, number: u64, rest: Duration) -> Option<Instant> {
        if let Some(pacer) = self.group.pacer.clone() {
            return self.paced(&pacer, number).await;
        }
        if !rest.is_zero() {
            self.rest(sleep(rest)).await;
        }
        self.look();
        (!self.stop.is_over()).then(Instant::now)
    }

    /// A turn of an open loop. What was due before the end and cannot be sent any more is counted:
    /// a stall at the end would leave no trace else.
    async fn paced(&mut self, pacer: &Pacer, number: u64) -> Option<Instant> {
        let due = pacer.due(self.place, number);
        if due > Instant::now() {
            self.rest(pacer.until_due(self.place, number)).await;
        }
        self.look();
        let Some(end) = self.stop.end() else {
            return Some(due);
        };
        if due < end && Instant::now() < end + CATCH_UP {
            return Some(due);
        }
        let most = self.group.group.requests.unwrap_or(u64::MAX);
        let were_due = pacer.due_before(self.place, end).min(most);
        self.account.counters().never_sent.add(were_due.saturating_sub(number));
        None
    }

    /// One request, from its start to its end. Its answer has been waited for since then.
    async fn request(&mut self, since: Instant) -> Result<(), Fault> {
        self.conversation.renew(&mut self.random);
        self.account.counters().started.add_one();
        let asked = timeout(self.run.request_limit, self.ask()).await;
        let received = asked.unwrap_or(Err(Fault::TIMED_OUT))?;
        self.run.gaps.answered(received.at - self.run.started);
        let is_last = !received.keeps || !self.group.group.mode.is_kept();
        if is_last {
            self.await_close().await?;
        }
        self.account.answered(received, since, self.conversation.answer());
        if is_last {
            self.leave();
        }
        Ok(())
    }

    /// Connects if need be, sends and reads.
    async fn ask(&mut self) -> Result<Received, Fault> {
        loop {
            if !self.account.is_connected() {
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
        self.account.connected(local_port);
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

    /// Rests for so long, and notices what happens on the connection meanwhile.
    async fn rest(&mut self, time: impl Future<Output = ()>) {
        let mut time = pin!(time);
        if self.account.is_connected() {
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
        if self.account.is_connected() {
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
                self.account.counters().announced_close.add_one();
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
        self.account.left();
        self.conversation.leave();
    }

    /// Has a fault counted and recorded, leaves its connection, and says how long to rest after it.
    fn fail(&mut self, fault: Fault) -> Duration {
        let answered_before = self.conversation.answered();
        let survives = self.account.is_connected() && self.conversation.survives();
        self.account.failed(fault, self.phase, answered_before);
        let is_unopened = matches!(self.phase, Phase::Connecting | Phase::Handshaking);
        // A datagram is refused when it has been sent.
        let is_refused = fault.kind == FailureKind::Refused;
        if !survives {
            let untold = self.conversation.untold();
            self.notice(untold);
            self.leave();
        }
        if is_unopened || is_refused { CONNECT_PAUSE } else { Duration::ZERO }
    }
}
