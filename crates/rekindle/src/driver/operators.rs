//! Who asks over the control socket: the connections, their requests and the replies to them.
//!
//! Every connection takes one request, so nobody can queue up work; there are at most
//! [`CONNECTION_LIMIT`] of them, and none is kept that does not ask within [`REQUEST_TIMEOUT`].

mod operator;
mod status;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle_core::{Generation, Phase, Refusal, Text, Verdict};
use tracing::{info, warn};

use self::operator::Heard;
pub(super) use self::operator::Operator;
use super::Driver;
use super::porter::Porter;
use super::upgrading::Attempt;
use crate::control::{LastUpgrade, Reply, Request, Wait};
use crate::held::Held;
use crate::report::{Report, UpgradeReport};

/// The most connections at once.
const CONNECTION_LIMIT: usize = 64;

/// How long a connection may take to ask.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The control socket and its connections.
#[derive(Debug)]
pub(super) struct Operators {
    porter: Porter,
    connections: BTreeMap<u64, Operator>,
    next_number: u64,
    build: Text,
    began: Option<(Generation, Instant)>,
    last_failure: Option<LastUpgrade>,
}

impl Operators {
    pub(super) fn new(listener: Option<Arc<Held>>, build: Text) -> Self {
        Self {
            porter: Porter::new(listener),
            connections: BTreeMap::new(),
            next_number: 0,
            build,
            began: None,
            last_failure: None,
        }
    }

    pub(super) fn began(&mut self, generation: Generation) {
        self.began = Some((generation, Instant::now()));
    }

    pub(super) const fn porter(&self) -> &Porter {
        &self.porter
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = (u64, &Operator)> {
        self.connections.iter().map(|(number, operator)| (*number, operator))
    }

    /// When to call [`Operators::tick`] next.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let late = self.connections.values().filter_map(Operator::ask_before).min();
        late.into_iter().chain(self.porter.retry_at()).min()
    }

    /// Lets those go who did not ask in time.
    pub(super) fn tick(&mut self, now: Instant) {
        self.porter.tick(now);
        self.connections.retain(|_, operator| operator.ask_before().is_none_or(|by| now < by));
    }

    /// Takes a new connection, if its user may ask.
    pub(super) fn accept(&mut self) {
        let Some(stream) = self.porter.accept().map(UnixStream::from) else {
            return;
        };
        let operator = Operator::new(stream, Instant::now() + REQUEST_TIMEOUT);
        match operator.peer() {
            Ok(peer) if !peer.may_control() => {
                warn!(uid = peer.uid, pid = peer.pid, "another user asked; it is refused");
                return operator.refuse("other-user", "only the owner of the service may ask");
            }
            Ok(_) => {}
            Err(error) => return warn!(%error, "who asks is not known"),
        }
        if self.connections.len() >= CONNECTION_LIMIT {
            return operator.refuse("busy", "too many ask at once: try again");
        }
        self.connections.insert(self.next_number, operator);
        self.next_number += 1;
    }

    /// An upgrade entered a phase.
    pub(super) fn phase(&mut self, phase: Phase, attempt: &Attempt) {
        let reply = Reply::Phase {
            phase: phase.as_str().into(),
            after_ms: milliseconds(attempt.took()),
            generation: attempt.generation.number(),
            pid: attempt.pid,
        };
        self.tell(|operator| operator.waits_for().is_some(), &reply);
        if phase == Phase::Probation {
            let reply = Reply::Verdict {
                verdict: "committed".into(),
                confirmed: false,
                generation: attempt.generation.number(),
                pid: attempt.pid,
                old_pid: std::process::id(),
                took_ms: milliseconds(attempt.took()),
                phase: None,
                reason: None,
                message: None,
            };
            self.tell(|operator| operator.waits_for() == Some(Wait::Committed), &reply);
        }
    }

    /// An upgrade is over.
    pub(super) fn verdict(&mut self, report: &UpgradeReport) {
        let reason = report.verdict.reason();
        if let Some(reason) = reason {
            self.last_failure = Some(LastUpgrade {
                verdict: report.verdict.as_str().into(),
                reason: reason.code().into(),
                message: reason.to_string(),
            });
        }
        let phase = match &report.verdict {
            Verdict::Aborted { phase, .. } => Some(phase.as_str().into()),
            Verdict::RolledBack { .. } => Some(Phase::Probation.as_str().into()),
            Verdict::Committed(_) => None,
        };
        let reply = Reply::Verdict {
            verdict: report.verdict.as_str().into(),
            confirmed: report.verdict.is_committed(),
            generation: report.generation.number(),
            pid: report.pid,
            old_pid: std::process::id(),
            took_ms: milliseconds(report.took),
            phase,
            reason: reason.map(|reason| reason.code().into()),
            message: reason.map(ToString::to_string),
        };
        self.tell(|operator| operator.waits_for().is_some(), &reply);
    }

    /// The process stops: so much is finished first.
    pub(super) fn stopping(&mut self, in_flight: u64) {
        self.tell(Operator::waits_for_stop, &Reply::Stopping { in_flight });
    }

    /// The process has finished what it had.
    pub(super) fn stopped(&mut self, report: &Report) {
        let reply = Reply::Stopped { cut: report.cut, took_ms: milliseconds(report.took) };
        self.tell(Operator::waits_for_stop, &reply);
    }

    /// Whether this is the control socket.
    pub(super) fn are_asked_on(&self, held: &Arc<Held>) -> bool {
        self.porter.is_at(held)
    }

    /// Takes no new connections, for good.
    pub(super) fn close(&mut self) {
        self.porter.close();
    }

    fn tell(&mut self, whom: impl Fn(&Operator) -> bool, reply: &Reply) {
        self.connections.retain(|_, operator| !whom(operator) || operator.tell(reply));
    }
}

impl Driver {
    /// Takes in what one connection asks, and answers.
    pub(super) fn answer_operator(&mut self, number: u64) {
        let Some(operator) = self.operators.connections.get_mut(&number) else {
            return;
        };
        match operator.hear() {
            Heard::Nothing => {}
            Heard::Gone => {
                self.operators.connections.remove(&number);
            }
            Heard::Request(request) => {
                info!(?request, "an operator asks");
                self.do_request(number, request);
            }
            Heard::NoRequest(error) => {
                self.reply(number, &Reply::Error { message: error.to_string() });
            }
        }
    }

    fn do_request(&mut self, number: u64, request: Request) {
        match request {
            Request::Status {} => {
                let status = Box::new(self.status());
                self.reply(number, &Reply::Status(status));
            }
            Request::Upgrade { wait, arguments } => {
                if let Some(operator) = self.operators.connections.get_mut(&number) {
                    operator.wait_for(wait);
                }
                let arguments = arguments.map(|list| list.into_iter().map(Into::into).collect());
                if let Err(refusal) = self.begin_upgrade(arguments, None) {
                    self.refuse(number, refusal);
                }
            }
            Request::Stop {} => {
                if let Some(operator) = self.operators.connections.get_mut(&number) {
                    operator.wait_for_stop();
                }
                self.life.stop(self.clock.now());
            }
            Request::Hammer {} => match self.life.hammer(self.clock.now()) {
                Ok(told) => {
                    let processes = u64::try_from(told).unwrap_or(u64::MAX);
                    self.reply(number, &Reply::Hammered { processes });
                }
                Err(refusal) => self.refuse(number, refusal),
            },
        }
    }

    fn refuse(&mut self, number: u64, refusal: Refusal) {
        let (reason, message) = (refusal.code().into(), refusal.to_string());
        self.reply(number, &Reply::Refused { reason, message });
    }

    fn reply(&mut self, number: u64, reply: &Reply) {
        if let Some(operator) = self.operators.connections.get_mut(&number)
            && !operator.tell(reply)
        {
            self.operators.connections.remove(&number);
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
