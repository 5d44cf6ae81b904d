//! The old side of an upgrade, carried out: the start of the new process, the offer, the wait.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant as SystemInstant};
use std::{io, mem};

use rekindle_core::{
    ElderEntry, Generation, Message, Offer, OldAction, OldEvent, Phase, Reason, Refusal,
    SpawnFailure, Text, Verdict, frames,
};
use rekindle_unix::{CHANNEL_VARIABLE, Channel, Child, Marker, Program, SpawnOptions, spawn};
use tracing::{Span, debug, error, info, info_span, warn};

use super::{Driver, Successor};
use crate::gate::Door;
use crate::link::{Arrival, Link};
use crate::report::UpgradeReport;
use crate::shared::Stage;
use crate::states::StateError;
use crate::telemetry;
use crate::ticket::Ticket;
use crate::words::words_of;

/// An upgrade under way: who asked, and when what happened.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) generation: Generation,
    pub(super) pid: Option<u32>,
    begun: SystemInstant,
    phases: Vec<(Phase, Duration)>,
    ticket: Option<Ticket>,
    /// Whether the program's hook was asked.
    asked: bool,
    span: Span,
}

impl Attempt {
    fn new(generation: Generation, begun: SystemInstant, ticket: Option<Ticket>) -> Self {
        let span = info_span!("upgrade", %generation);
        Self { generation, pid: None, begun, phases: Vec::new(), ticket, asked: false, span }
    }

    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    fn report(&self, verdict: Verdict) -> UpgradeReport {
        let (generation, pid, took) = (self.generation, self.pid, self.took());
        UpgradeReport { verdict, generation, pid, took, phases: self.phases.clone() }
    }
}

impl Driver {
    /// Begins an upgrade in which this process starts the new one.
    pub(super) fn begin_upgrade(
        &mut self,
        arguments: Option<Vec<OsString>>,
        ticket: Option<Ticket>,
    ) -> Result<(), Refusal> {
        // Before the machine's clock starts, so that no upgrade seems to end before its deadline.
        let begun = SystemInstant::now();
        self.life.upgrade(self.clock.now())?;
        self.arguments = arguments;
        self.attempt(begun, ticket);
        Ok(())
    }

    /// A process that somebody else started has come to the rendezvous.
    pub(super) fn meet(&mut self) {
        let Some(descriptor) = self.rendezvous.accept() else {
            return;
        };
        let channel = match Channel::from_owned(descriptor) {
            Ok(channel) => channel,
            Err(error) => return warn!(%error, "nobody could be met at the rendezvous"),
        };
        let mut link = Link::new(channel);
        let peer = match link.peer() {
            Ok(peer) => peer,
            Err(error) => return warn!(%error, "who came to the rendezvous is not known"),
        };
        if !peer.may_control() {
            warn!(uid = peer.uid, pid = peer.pid, "another user's process came; it is refused");
            return link.post(&Message::Refused { reason: Reason::OtherUser { uid: peer.uid } });
        }
        let begun = SystemInstant::now();
        match self.life.meet(self.clock.now()) {
            Ok(()) => {
                info!(pid = peer.pid, "a new process has come to the rendezvous");
                self.attempt(begun, None);
                self.successor = Some(Successor::met(link, peer.pid.unwrap_or_default()));
            }
            Err(refusal) => {
                info!(pid = peer.pid, %refusal, "a new process has come, and is refused");
                let reason = Reason::Busy { words: Text::of(refusal) };
                link.post(&Message::Refused { reason });
            }
        }
    }

    fn attempt(&mut self, begun: SystemInstant, ticket: Option<Ticket>) {
        let generation = self.life.successor().unwrap_or_else(|| self.shared.generation.next());
        let attempt = Attempt::new(generation, begun, ticket);
        info!(parent: &attempt.span, "an upgrade begins");
        self.attempt = Some(attempt);
        self.notices.upgrading();
    }

    /// Does what the old side's machine says.
    pub(super) fn carry_out_upgrade(&mut self, action: OldAction) {
        match action {
            OldAction::Spawn => self.spawn(),
            OldAction::Send(message) => {
                if let Some(successor) = &mut self.successor {
                    successor.link.post(&message);
                }
            }
            OldAction::SendOffer => self.send_offer(),
            OldAction::StopAccepting { claimed } => self.stop_accepting(claimed),
            OldAction::OpenMoves { receivers } => self.open_moves(receivers),
            OldAction::CloseMoves => self.close_moves(),
            OldAction::Resume => self.resume(),
            OldAction::Kill => {
                if let Some(successor) = &self.successor {
                    warn!(pid = successor.pid(), "the new process is killed");
                    successor.kill();
                }
            }
            OldAction::Enter(phase) => self.enter(phase),
        }
    }

    fn spawn(&mut self) {
        // A program file that is being written is tried again; the hook is asked once.
        let first =
            self.attempt.as_mut().is_none_or(|attempt| !mem::replace(&mut attempt.asked, true));
        if first && let Err(words) = self.hooks.before_spawn() {
            return self.upgrade_event(OldEvent::HookRefused(words));
        }
        match self.start_process() {
            Ok(successor) => {
                info!(pid = successor.pid(), "the new process is started");
                self.successor = Some(successor);
                self.upgrade_event(OldEvent::Spawned);
            }
            Err(failure) => self.upgrade_event(OldEvent::SpawnFailed(failure)),
        }
    }

    fn start_process(&self) -> Result<Successor, SpawnFailure> {
        let program = self
            .program
            .as_ref()
            .ok_or_else(|| SpawnFailure::Final(Text::from("this program cannot start itself")))?;
        let mut program = program.clone();
        if let Some(arguments) = &self.arguments {
            program.set_arguments(arguments.clone());
        }
        let failed = |error: io::Error| SpawnFailure::Final(Text::of(error));
        let (ours, theirs) = Channel::pair().map_err(failed)?;
        let marker = Marker::for_descriptor(theirs.as_fd()).map_err(failed)?;
        let child = start(&program, &theirs, marker)?;
        Ok(Successor::spawned(Link::new(ours), child))
    }

    fn send_offer(&mut self) {
        let (offer, descriptors) = match self.offer() {
            Ok(offer) => offer,
            Err(error) => return self.upgrade_event(OldEvent::NoOffer(words_of(&error))),
        };
        let Some(successor) = &mut self.successor else {
            return;
        };
        let (listeners, elders) = (offer.listeners.len(), offer.elders.len());
        debug!(listeners, elders, states = offer.states.len(), "the offer");
        let mut descriptors = descriptors.into_iter();
        for frame in frames(&offer) {
            let along = descriptors.by_ref().take(frame.descriptors()).collect();
            successor.link.post_with(&frame, along);
        }
    }

    /// The offer and its descriptors, in the same order.
    fn offer(&mut self) -> Result<(Offer, Vec<Arc<OwnedFd>>), StateError> {
        let listeners = self.held.iter().map(|held| held.entry.clone()).collect();
        let mut descriptors: Vec<_> =
            self.held.iter().map(|held| Arc::clone(&held.descriptor)).collect();
        let mut elders = Vec::new();
        for elder in self.life.elders().into_iter().flat_map(rekindle_core::Elders::iter) {
            if let Some(descriptor) = self.elders.duplicate(elder.generation) {
                let (generation, pid, in_flight) = (elder.generation, elder.pid, elder.in_flight);
                elders.push(ElderEntry { generation, pid, in_flight });
                descriptors.push(descriptor);
            }
        }
        let mut states = Vec::new();
        for state in &mut self.states {
            let (entry, file) = state.take_down()?;
            states.push(entry);
            descriptors.push(Arc::new(file));
        }
        Ok((Offer { listeners, elders, states }, descriptors))
    }

    /// The new process accepts on what it claimed from here on. What it did not claim is served
    /// on until the upgrade is confirmed: a roll back has to give back all there was.
    fn stop_accepting(&mut self, claimed: Vec<u32>) {
        for &position in &claimed {
            if let Some(held) = self.held.get(position as usize) {
                held.gate.set(Door::Shut);
            }
        }
        self.claimed = claimed;
        self.moves.expect();
        self.shared.tracker.await_end();
        self.count();
        self.set_stage(Stage::Draining);
    }

    fn resume(&mut self) {
        warn!("the new process is gone: this one accepts again");
        self.shared.tracker.resume();
        for held in &self.held {
            held.gate.set(Door::Open);
        }
        self.claimed.clear();
        if let super::PidFileState::Ours(pid_file) = &mut self.pid_file
            && let Err(error) = pid_file.write_again()
        {
            warn!(%error, "the pid file names a process that is gone");
        }
        self.set_stage(Stage::Serving);
    }

    fn enter(&mut self, phase: Phase) {
        let Some(attempt) = &mut self.attempt else {
            return;
        };
        let after = attempt.took();
        attempt.pid = self.successor.as_ref().map(Successor::pid);
        attempt.phases.push((phase, after));
        info!(parent: &attempt.span, %phase, ?after, pid = attempt.pid, "phase");
        self.operators.phase(phase, attempt);
        // Not before the new process is told to accept: nobody does while the hook runs.
        if phase == Phase::Committing {
            self.hooks.after_commit();
        }
        if phase == Phase::Probation {
            let generation = attempt.generation;
            self.notices.committed(format!("generation {generation} serves, in probation"));
        }
    }

    /// The upgrade is over.
    pub(super) fn verdict(&mut self, verdict: Verdict) {
        if !verdict.is_committed() {
            self.successor = None;
            self.notices.serving(format!("generation {} serves", self.shared.generation));
        }
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        match &verdict {
            Verdict::Committed(_) => info!(parent: &attempt.span, %verdict, "verdict"),
            Verdict::Aborted { .. } => warn!(parent: &attempt.span, %verdict, "verdict"),
            Verdict::RolledBack { .. } => error!(parent: &attempt.span, %verdict, "verdict"),
        }
        let report = attempt.report(verdict);
        telemetry::upgraded(&report);
        self.operators.verdict(&report);
        self.hooks.on_verdict(&report.verdict);
        if let Some(ticket) = attempt.ticket {
            ticket.settle(Ok(report));
        }
    }

    /// Takes in what the new process said.
    pub(super) fn pump_successor(&mut self) {
        loop {
            let Some(successor) = &mut self.successor else {
                return;
            };
            let event = match successor.receive(&mut self.buffer) {
                Arrival::Message(message, _) => {
                    debug!(message = message.name(), "from the new process");
                    self.hear_of_moves(&message);
                    OldEvent::Message(message)
                }
                Arrival::Garbage(error) => {
                    warn!(%error, "the new process sent what is no message");
                    OldEvent::Garbage(error)
                }
                Arrival::EndOfFile => OldEvent::EndOfFile,
                Arrival::Nothing => return,
            };
            self.upgrade_event(event);
            self.carry_out();
        }
    }

    /// The child may have ended. What it said before is heard first.
    pub(super) fn reap(&mut self) {
        self.pump_successor();
        if let Some(status) = self.successor.as_mut().and_then(Successor::reap) {
            info!(%status, "the new process has ended");
            self.upgrade_event(OldEvent::Exited(Text::from(status)));
        }
    }
}

fn start(program: &Program, theirs: &Channel, marker: Marker) -> Result<Child, SpawnFailure> {
    let options = SpawnOptions {
        inherit: Some(theirs.as_fd()),
        variables: vec![(CHANNEL_VARIABLE.into(), marker.to_value())],
        ..SpawnOptions::default()
    };
    spawn(program, &options).map_err(|error| {
        let text = words_of(&error);
        if error.is_text_busy() { SpawnFailure::TextBusy(text) } else { SpawnFailure::Final(text) }
    })
}
