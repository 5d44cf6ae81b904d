//! The account of one client: what is counted of an answer and of a failure, and of which process
//! it was. Refuses to act on either.

use std::sync::Arc;

use tokio::time::Instant;

use crate::account::failure::{Failure, FailureKind, Phase};
use crate::account::fault::Fault;
use crate::account::generation::Generations;
use crate::account::tally::Counters;
use crate::received::Received;
use crate::recognise::{Answer, Responder};
use crate::run::{GroupRun, Run};

/// The account of one client.
#[derive(Debug)]
pub(super) struct ClientAccount {
    run: Arc<Run>,
    group: Arc<GroupRun>,
    /// Its place in the group.
    place: usize,
    /// The account of its connection, if it has one.
    connection: Option<Connection>,
    generations: Generations,
    /// The places of the failures after which nobody has answered yet.
    unfollowed: Vec<usize>,
}

#[derive(Debug)]
struct Connection {
    local_port: Option<u16>,
    answered: u64,
    last_responder: Option<Responder>,
}

impl ClientAccount {
    pub(super) fn new(run: Arc<Run>, group: Arc<GroupRun>, place: usize) -> Self {
        let (generations, unfollowed) = (Generations::default(), Vec::new());
        Self { run, group, place, connection: None, generations, unfollowed }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.group.counters[self.place]
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    pub(super) fn connected(&mut self, local_port: Option<u16>) {
        self.connection = Some(Connection { local_port, answered: 0, last_responder: None });
    }

    pub(super) fn left(&mut self) {
        self.connection = None;
    }

    pub(super) fn into_generations(self) -> Generations {
        self.generations
    }

    /// A right answer came, for which was waited since then.
    pub(super) fn answered(
        &mut self,
        received: Received,
        since: Instant,
        answer: Option<Answer<'_>>,
    ) {
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

    /// Something failed. `answered_before` is how many requests the connection had answered, if
    /// others than this client use it too.
    pub(super) fn failed(&mut self, fault: Fault, phase: Phase, answered_before: Option<u64>) {
        let connection = self.connection.as_ref();
        let own = connection.map_or(0, |connection| connection.answered);
        let answered_before = answered_before.unwrap_or(own);
        let may_have_crossed = answered_before > 0
            && matches!(fault.kind, FailureKind::Reset | FailureKind::Lost)
            && matches!(phase, Phase::Sending | Phase::Awaiting);
        let crossed = fault.cause.says_crossed().unwrap_or(may_have_crossed);
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
                local_port: connection.and_then(|connection| connection.local_port),
                answered_before,
                crossed,
                restart,
                last_responder: connection.and_then(|connection| connection.last_responder),
                next_responder: None,
                newest_generation: self.run.newest.generation(),
            }
        });
        self.unfollowed.extend(kept);
    }
}
