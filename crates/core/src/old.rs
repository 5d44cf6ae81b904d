//! The old side of one upgrade: from the request to the verdict.
//!
//! ```text
//!           spawn                   met, brokered
//!             │                           │
//!             ▼         started           ▼     Hello        Ready           Serving
//!         Spawning ──────────────────► Greeting ─────► Starting ─► Committing ─► Probation
//!             │                           │               │            │             │ time,
//!             │ cannot                    │ ends, hangs,  │            │ ends,       │ Confirmed
//!             │                           │ garbage …     │            │ hangs       ▼
//!             │                           ▼               ▼            ▼      Ended(committed)
//!             │                        Ending (told why, given a moment, killed, reaped)
//!             ▼                           ▼
//!        Ended(aborted)                Ended(aborted before, rolled back after the commit)
//! ```
//!
//! End of file is how either side learns that the other died. A child's exit is waited for, so
//! that the verdict can say how it ended and no zombie is left.

mod event;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

pub use self::event::{OldAction, OldEvent, Terms};
use crate::generation::Generation;
use crate::message::Message;
use crate::moved::Receiver;
use crate::moves::RECEIVER_LIMIT;
use crate::reason::{Reason, SpawnFailure};
use crate::settings::Settings;
use crate::text::Text;
use crate::time::Instant;
use crate::verdict::{Confirmation, Phase, Verdict};
use crate::version::VersionRange;

/// The old side's machine.
#[derive(Debug)]
pub struct OldSide {
    terms: Terms,
    kin: Kin,
    state: State,
    actions: VecDeque<OldAction>,
}

/// Whose child the new process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kin {
    /// Ours: its exit is reported, and it can be killed.
    Child,
    /// Somebody else's.
    Stranger,
}

#[derive(Debug)]
enum State {
    Spawning { tries: u32, again: Option<Instant>, deadline: Instant },
    Greeting { deadline: Instant },
    Starting { deadline: Instant, takes: Vec<Receiver> },
    Committing { deadline: Instant, takes: Vec<Receiver> },
    Probation { until: Instant },
    Ending { verdict: Verdict, kill: Kill },
    Ended(Verdict),
}

/// How far the killing of a failed child is.
#[derive(Debug, Clone, Copy)]
enum Kill {
    At(Instant),
    Done,
}

impl OldSide {
    /// An upgrade for which the new process is yet to be started.
    #[must_use]
    pub fn spawn(now: Instant, terms: Terms) -> Self {
        let deadline = now + terms.start_timeout;
        let state = State::Spawning { tries: 1, again: None, deadline };
        let actions = [OldAction::Enter(Phase::Spawning), OldAction::Spawn].into();
        Self { terms, kin: Kin::Child, state, actions }
    }

    /// An upgrade with a process that somebody else started, and that came to us.
    #[must_use]
    pub fn met(now: Instant, terms: Terms) -> Self {
        let deadline = now + terms.start_timeout;
        let state = State::Greeting { deadline };
        let actions = [OldAction::Enter(Phase::Greeting)].into();
        Self { terms, kin: Kin::Stranger, state, actions }
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, now: Instant, event: OldEvent) {
        match event {
            OldEvent::Spawned => self.spawned(),
            OldEvent::SpawnFailed(failure) => self.spawn_failed(now, failure),
            OldEvent::HookRefused(words) => self.not_started(Reason::HookRefused { words }),
            OldEvent::Message(message) => self.message(now, message),
            OldEvent::Garbage(error) => self.garbage(now, error),
            OldEvent::EndOfFile => self.fail(now, Reason::ChannelClosed),
            OldEvent::Exited(status) => self.exited(status),
            OldEvent::NoOffer(error) => self.no_offer(now, error),
            OldEvent::Cancel => self.cancel(now),
        }
    }

    /// Tells the machine that it is `now`.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Spawning { again, .. } if again.is_some_and(|again| now >= again) => {
                *again = None;
                self.actions.push_back(OldAction::Spawn);
            }
            State::Spawning { deadline, .. }
            | State::Greeting { deadline }
            | State::Starting { deadline, .. }
                if now >= *deadline =>
            {
                let timeout_ms = milliseconds(self.terms.start_timeout);
                self.fail(now, Reason::StartTimeout { timeout_ms });
            }
            State::Committing { deadline, .. } if now >= *deadline => {
                let timeout_ms = milliseconds(Settings::TAKE_OVER_TIMEOUT);
                self.fail(now, Reason::TakeOverTimeout { timeout_ms });
            }
            State::Probation { until } if now >= *until => self.commit(Confirmation::Probation),
            State::Ending { kill: kill @ Kill::At(_), .. } => {
                if matches!(*kill, Kill::At(moment) if now >= moment) {
                    *kill = Kill::Done;
                    self.actions.push_back(OldAction::Kill);
                }
            }
            State::Spawning { .. }
            | State::Greeting { .. }
            | State::Starting { .. }
            | State::Committing { .. }
            | State::Probation { .. }
            | State::Ending { .. }
            | State::Ended(_) => {}
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<OldAction> {
        self.actions.pop_front()
    }

    /// When to call [`OldSide::tick`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Spawning { again, deadline, .. } => {
                Some(again.map_or(deadline, |again| again.min(deadline)))
            }
            State::Greeting { deadline }
            | State::Starting { deadline, .. }
            | State::Committing { deadline, .. } => Some(deadline),
            State::Probation { until } => Some(until),
            State::Ending { kill: Kill::At(moment), .. } => Some(moment),
            State::Ending { kill: Kill::Done, .. } | State::Ended(_) => None,
        }
    }

    /// The phase that the upgrade is in, until it fails or ends.
    #[must_use]
    pub const fn phase(&self) -> Option<Phase> {
        match self.state {
            State::Spawning { .. } => Some(Phase::Spawning),
            State::Greeting { .. } => Some(Phase::Greeting),
            State::Starting { .. } => Some(Phase::Starting),
            State::Committing { .. } => Some(Phase::Committing),
            State::Probation { .. } => Some(Phase::Probation),
            State::Ending { .. } | State::Ended(_) => None,
        }
    }

    /// The verdict, once the upgrade is over and a failed child is reaped.
    #[must_use]
    pub const fn verdict(&self) -> Option<&Verdict> {
        match &self.state {
            State::Ended(verdict) => Some(verdict),
            State::Spawning { .. }
            | State::Greeting { .. }
            | State::Starting { .. }
            | State::Committing { .. }
            | State::Probation { .. }
            | State::Ending { .. } => None,
        }
    }

    /// The generation that the new process is.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.terms.generation
    }

    /// The old process ends at once and waits for nobody: a child that failed and was not killed
    /// yet is killed, and the verdict stands without how it ended.
    pub(crate) fn abandon(&mut self) {
        if let State::Ending { verdict, kill } = &self.state {
            if let Kill::At(_) = kill {
                self.actions.push_back(OldAction::Kill);
            }
            self.state = State::Ended(verdict.clone());
        }
    }

    fn spawned(&mut self) {
        if let State::Spawning { deadline, .. } = self.state {
            self.enter(Phase::Greeting, State::Greeting { deadline });
        }
    }

    fn spawn_failed(&mut self, now: Instant, failure: SpawnFailure) {
        match (&mut self.state, failure) {
            (State::Spawning { tries, again, .. }, SpawnFailure::TextBusy(_))
                if *tries < Settings::TEXT_BUSY_TRIES =>
            {
                *tries += 1;
                *again = Some(now + Settings::TEXT_BUSY_RETRY);
            }
            (_, SpawnFailure::TextBusy(error) | SpawnFailure::Final(error)) => {
                self.not_started(Reason::NotStarted { error });
            }
        }
    }

    /// There is no process to reap.
    fn not_started(&mut self, reason: Reason) {
        if let State::Spawning { .. } = self.state {
            self.state = State::Ended(Verdict::Aborted { phase: Phase::Spawning, reason });
        }
    }

    fn message(&mut self, now: Instant, message: Message) {
        match (&mut self.state, message) {
            (State::Greeting { deadline }, Message::Hello { versions, .. }) => {
                let deadline = *deadline;
                self.greeted(now, deadline, versions);
            }
            (State::Starting { takes, .. }, Message::Takes { receivers })
                if takes.len() + receivers.len() <= RECEIVER_LIMIT =>
            {
                takes.extend(receivers);
            }
            (State::Starting { .. }, Message::Ready { claimed }) => self.ready(now, claimed),
            (State::Greeting { .. } | State::Starting { .. }, Message::Failed { words }) => {
                self.fail(now, Reason::Failed { words });
            }
            (State::Committing { .. }, Message::Serving) => {
                self.open_moves();
                let until = now + self.terms.probation;
                self.enter(Phase::Probation, State::Probation { until });
            }
            (State::Committing { .. } | State::Probation { .. }, Message::Confirmed) => {
                self.open_moves();
                self.commit(Confirmation::Successor);
            }
            (State::Greeting { .. } | State::Starting { .. }, message) => {
                let message = Text::from(message.name());
                self.fail(now, Reason::OutOfTurn { message });
            }
            // It has taken over and has clients: a word out of turn is no reason to end it.
            (State::Committing { .. } | State::Probation { .. }, _) => {}
            (State::Spawning { .. } | State::Ending { .. } | State::Ended(_), _) => {}
        }
    }

    fn greeted(&mut self, now: Instant, deadline: Instant, versions: VersionRange) {
        let Some(version) = self.terms.versions.highest_common(versions) else {
            let (old, new) = (self.terms.versions, versions);
            return self.fail(now, Reason::NoCommonVersion { old, new });
        };
        self.actions.push_back(OldAction::Send(Message::Welcome {
            version,
            generation: self.terms.generation,
            old_pid: self.terms.old_pid,
            start_timeout_ms: milliseconds(deadline - now),
            old_generation: self.terms.old_generation,
        }));
        self.actions.push_back(OldAction::SendOffer);
        self.enter(Phase::Starting, State::Starting { deadline, takes: Vec::new() });
    }

    fn ready(&mut self, now: Instant, mut claimed: Vec<u32>) {
        let count = claimed.len();
        claimed.sort_unstable();
        claimed.dedup();
        if claimed.len() != count || claimed.last().is_some_and(|&last| last >= self.terms.offered)
        {
            let error =
                format!("it claims what was not offered, or twice ({})", self.terms.offered);
            return self.fail(now, Reason::Garbage { error: Text::from(error) });
        }
        self.actions.push_back(OldAction::StopAccepting { claimed });
        self.actions.push_back(OldAction::Send(Message::Commit));
        let deadline = now + Settings::TAKE_OVER_TIMEOUT;
        let takes = match &mut self.state {
            State::Starting { takes, .. } => mem::take(takes),
            State::Spawning { .. }
            | State::Greeting { .. }
            | State::Committing { .. }
            | State::Probation { .. }
            | State::Ending { .. }
            | State::Ended(_) => Vec::new(),
        };
        self.enter(Phase::Committing, State::Committing { deadline, takes });
    }

    /// The new process accepts, so it can be given connections too, and reads what the elders send.
    /// Not before: were it told to go instead of being heard, it might not know yet, and serve what
    /// it finds in the channels. From here on it is not told to go any more: it has to be dead
    /// before this one accepts again.
    fn open_moves(&mut self) {
        if let State::Committing { takes, .. } = &mut self.state {
            let receivers = mem::take(takes);
            self.actions.push_back(OldAction::Send(Message::Heard));
            self.actions.push_back(OldAction::OpenMoves { receivers });
        }
    }

    fn no_offer(&mut self, now: Instant, error: Text) {
        if let State::Starting { .. } = self.state {
            self.fail(now, Reason::NoOffer { error });
        }
    }

    fn garbage(&mut self, now: Instant, error: Text) {
        match self.state {
            State::Greeting { .. } | State::Starting { .. } => {
                self.fail(now, Reason::Garbage { error });
            }
            State::Committing { .. } | State::Probation { .. } => {}
            State::Spawning { .. } | State::Ending { .. } | State::Ended(_) => {}
        }
    }

    fn exited(&mut self, status: Text) {
        let reason = Reason::Exited { status };
        match (self.phase(), &self.state) {
            (Some(phase), _) => {
                self.resume_after(phase);
                self.state = State::Ended(failed_in(phase, reason));
            }
            // It was ended by us: how says nothing.
            (None, State::Ending { verdict, kill: Kill::Done }) => {
                self.state = State::Ended(verdict.clone());
            }
            // How it ended says more than that the channel closed; any other cause stays.
            (None, State::Ending { verdict, kill: Kill::At(_) }) => {
                let verdict = match verdict.clone() {
                    Verdict::Aborted { phase, reason: Reason::ChannelClosed } => {
                        Verdict::Aborted { phase, reason }
                    }
                    Verdict::RolledBack { reason: Reason::ChannelClosed } => {
                        Verdict::RolledBack { reason }
                    }
                    other @ (Verdict::Committed(_)
                    | Verdict::Aborted { .. }
                    | Verdict::RolledBack { .. }) => other,
                };
                self.state = State::Ended(verdict);
            }
            (None, _) => {}
        }
    }

    /// The old process was asked to stop: before the commit there will be none, after it the
    /// new one is on its own.
    fn cancel(&mut self, now: Instant) {
        match self.state {
            State::Spawning { .. } | State::Greeting { .. } | State::Starting { .. } => {
                self.fail(now, Reason::Stopping);
            }
            State::Committing { .. } | State::Probation { .. } => {
                self.open_moves();
                self.commit(Confirmation::OldStopped);
            }
            State::Ending { .. } | State::Ended(_) => {}
        }
    }

    fn commit(&mut self, confirmation: Confirmation) {
        self.state = State::Ended(Verdict::Committed(confirmation));
    }

    /// The upgrade has failed. A stranger is told why and left; a child is told why as well, is
    /// given a moment to exit by itself if there is hope that it will, and is killed.
    fn fail(&mut self, now: Instant, reason: Reason) {
        let Some(phase) = self.phase() else { return };
        if phase == Phase::Spawning {
            return self.not_started(reason);
        }
        self.resume_after(phase);
        let kill_at = match &reason {
            Reason::ChannelClosed
            | Reason::Failed { .. }
            | Reason::NoOffer { .. }
            | Reason::NoCommonVersion { .. }
            | Reason::Stopping => now + Settings::EXIT_GRACE,
            Reason::HookRefused { .. }
            | Reason::NotStarted { .. }
            | Reason::Exited { .. }
            | Reason::StartTimeout { .. }
            | Reason::TakeOverTimeout { .. }
            | Reason::Garbage { .. }
            | Reason::OutOfTurn { .. }
            | Reason::OtherUser { .. }
            | Reason::Busy { .. } => now,
        };
        if reason != Reason::ChannelClosed {
            self.actions.push_back(OldAction::Send(Message::Refused { reason: reason.clone() }));
        }
        let verdict = failed_in(phase, reason);
        self.state = match self.kin {
            Kin::Child => State::Ending { verdict, kill: Kill::At(kill_at) },
            Kin::Stranger => State::Ended(verdict),
        };
        self.tick(now);
    }

    fn resume_after(&mut self, phase: Phase) {
        match phase {
            Phase::Committing | Phase::Probation => {
                self.actions.extend([OldAction::CloseMoves, OldAction::Resume]);
            }
            Phase::Spawning | Phase::Greeting | Phase::Starting => {}
        }
    }

    fn enter(&mut self, phase: Phase, state: State) {
        self.actions.push_back(OldAction::Enter(phase));
        self.state = state;
    }
}

fn failed_in(phase: Phase, reason: Reason) -> Verdict {
    match phase {
        Phase::Spawning | Phase::Greeting | Phase::Starting => Verdict::Aborted { phase, reason },
        Phase::Committing | Phase::Probation => Verdict::RolledBack { reason },
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
