//! The life of one process of a service: from its start to the moment when it may exit.
//!
//! ```text
//!              began            upgrade              commit              confirmed
//!   Starting ────────► Serving ────────► Upgrading ────────► Draining ────────────► Leaving
//!      │                │  ▲               │  ▲                │                      │ drained
//!      │ stop           │  └── aborted ────┘  └─ rolled back ──┘                      │ or
//!      ▼                │ stop             (the verdict waits                         │ hammered
//!     Die               │                  there for the child)                       ▼
//!                       └───────────────────────────────────────────────► Leaving ─► Ended
//! ```
//!
//! Draining and Leaving both drain. The difference is the way back: in Draining the upgrade is in
//! probation and the process may have to accept again, in Leaving it never will.
//!
//! This is the one place that decides what a request does: it is done, or refused with a
//! [`Refusal`]. Drivers carry out the actions and hold no policy of their own.

mod event;
mod leaving;
mod phase;
mod progress;
mod refusal;
mod requests;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

pub use self::event::{Action, Ending, Event};
use self::leaving::Leaving;
pub use self::phase::LifePhase;
use self::progress::Progress;
pub use self::refusal::Refusal;
use crate::drain::{Drain, HammerCause, Tally};
use crate::elders::Elders;
use crate::generation::Generation;
use crate::message::{ElderEntry, Message};
use crate::old::{OldAction, OldEvent, OldSide};
use crate::settings::Settings;
use crate::time::Instant;
use crate::version::VersionRange;

/// The machine of one process.
#[derive(Debug)]
pub struct Life {
    settings: Settings,
    versions: VersionRange,
    pid: u32,
    state: State,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
enum State {
    Starting,
    Serving(Serving),
    Upgrading(Serving, OldSide),
    Draining(Serving, OldSide, Drain, Progress),
    Leaving(Leaving),
    Ended { ending: Ending, die_at: Option<Instant> },
}

/// What a process that serves knows of its service.
#[derive(Debug)]
struct Serving {
    generation: Generation,
    /// The number that the next process gets.
    next: Generation,
    listeners: u32,
    /// The old process, as long as it could still resume.
    predecessor: Option<Generation>,
    elders: Elders,
    reader: Reader,
}

/// Who reads what the elders send. Two that read at once would both serve what moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The old process, until it has heard that this one serves or is gone. What it sends itself
    /// is for this process alone.
    Old(Generation),
    /// This process.
    This,
}

impl Life {
    /// The life of the process `pid`, which has yet to become ready.
    #[must_use]
    pub const fn new(settings: Settings, versions: VersionRange, pid: u32) -> Self {
        Self { settings, versions, pid, state: State::Starting, actions: VecDeque::new() }
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Began { generation, predecessor, elders, listeners } => {
                self.began(generation, predecessor, elders, listeners);
            }
            Event::Upgrade(event) => self.upgrade_event(now, event),
            Event::Elder(generation, message) => self.elder_message(now, generation, &message),
            Event::ElderGone(generation) => self.elder_gone(generation),
            Event::InFlight(tally) => self.in_flight(now, tally),
        }
        self.settle(now);
    }

    /// Tells the machine that it is `now`.
    pub fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Upgrading(_, side) => side.tick(now),
            State::Draining(_, side, drain, _) => {
                side.tick(now);
                drain.tick(now);
            }
            State::Leaving(leaving) => {
                leaving.drain.tick(now);
                if let Some(side) = leaving.upgrade() {
                    side.tick(now);
                }
            }
            State::Ended { die_at, .. } if die_at.is_some_and(|die_at| now >= die_at) => {
                *die_at = None;
                self.actions.push_back(Action::Die);
            }
            State::Starting | State::Serving(_) | State::Ended { .. } => {}
        }
        self.settle(now);
    }

    /// What to do next. Carry out all actions before the next event.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Life::tick`] and report [`Event::InFlight`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Starting | State::Serving(_) => None,
            State::Upgrading(_, side) => side.poll_timeout(),
            State::Draining(_, side, drain, progress) => {
                let progress = progress.poll_timeout(drain);
                side.poll_timeout().into_iter().chain(progress).min()
            }
            State::Leaving(leaving) => leaving.poll_timeout(),
            State::Ended { die_at, .. } => *die_at,
        }
    }

    /// What the process does.
    #[must_use]
    pub const fn phase(&self) -> LifePhase {
        match &self.state {
            State::Starting => LifePhase::Starting,
            State::Serving(_) => LifePhase::Serving,
            State::Upgrading(_, side) => LifePhase::Upgrading(side.phase()),
            State::Draining(..) => LifePhase::Draining,
            State::Leaving(leaving) => LifePhase::Leaving(leaving.ending),
            State::Ended { .. } => LifePhase::Ended,
        }
    }

    /// The older generations that drain, if this is the newest process. Only the newest reads
    /// what they send.
    #[must_use]
    pub const fn elders(&self) -> Option<&Elders> {
        match &self.state {
            State::Serving(serving) | State::Upgrading(serving, _) => Some(&serving.elders),
            State::Starting | State::Draining(..) | State::Leaving(_) | State::Ended { .. } => None,
        }
    }

    /// Whether this process reads what the elder of this generation sends.
    #[must_use]
    pub fn reads(&self, generation: Generation) -> bool {
        match &self.state {
            State::Serving(serving) | State::Upgrading(serving, _) => serving.reads(generation),
            State::Starting | State::Draining(..) | State::Leaving(_) | State::Ended { .. } => {
                false
            }
        }
    }

    /// The generation of the process that an upgrade is starting or has started.
    #[must_use]
    pub const fn successor(&self) -> Option<Generation> {
        match &self.state {
            State::Upgrading(_, side) | State::Draining(_, side, ..) => Some(side.generation()),
            State::Leaving(Leaving { ending: Ending::Upgraded(generation), .. }) => {
                Some(*generation)
            }
            State::Starting | State::Serving(_) | State::Leaving(_) | State::Ended { .. } => None,
        }
    }

    fn began(
        &mut self,
        generation: Generation,
        predecessor: Option<ElderEntry>,
        elders: Vec<ElderEntry>,
        listeners: u32,
    ) {
        if !matches!(self.state, State::Starting) {
            return;
        }
        let old = predecessor.as_ref().map(|entry| entry.generation);
        let mut elders = Elders::new(elders.into_iter().chain(predecessor));
        for elder in elders.over(self.settings.draining_limit) {
            self.actions.push_back(Action::Elder(elder, Message::Hammer));
        }
        let next = generation.next();
        let reader = old.map_or(Reader::This, Reader::Old);
        let serving = Serving { generation, next, listeners, predecessor: old, elders, reader };
        let read = serving.read().into_iter().filter(|&elder| Some(elder) != old);
        self.actions.extend(read.map(Action::ReadElder));
        self.state = State::Serving(serving);
    }

    fn upgrade_event(&mut self, now: Instant, event: OldEvent) {
        let hammered = event == OldEvent::Message(Message::Hammer);
        let gone = event == OldEvent::EndOfFile;
        match &mut self.state {
            State::Draining(_, _, drain, _) if hammered => drain.hammer(now, HammerCause::Newer),
            State::Leaving(leaving) if hammered => leaving.hammered(now),
            State::Upgrading(_, side) | State::Draining(_, side, ..) => side.handle(now, event),
            // The newest process has died: there will be no other.
            State::Leaving(leaving) if gone && leaving.is_replaced() => {
                self.actions.push_back(Action::Upgrade(OldAction::CloseMoves));
            }
            State::Leaving(leaving) => {
                if let Some(side) = leaving.upgrade() {
                    side.handle(now, event);
                }
            }
            // There may be somebody who still waits to hear what became of a connection.
            State::Ended { ending: Ending::Upgraded(_), .. } if gone => {
                self.actions.push_back(Action::Upgrade(OldAction::CloseMoves));
            }
            State::Starting | State::Serving(_) | State::Ended { .. } => {}
        }
    }

    fn elder_message(&mut self, now: Instant, generation: Generation, message: &Message) {
        let Some(serving) = self.newest() else { return };
        if let Message::InFlight { count } = message {
            serving.elders.in_flight(generation, *count);
        }
        // Only one that has heard of its successor answers a recall.
        let heard = matches!(message, Message::Heard | Message::Recalled { .. });
        let others = if heard { serving.read_all_but(generation) } else { Vec::new() };
        // It waited in vain for the word that its successor serves, and accepts again: two would
        // be too many, even if it was confirmed or succeeded twice in the meantime.
        if let Message::Refused { .. } = message {
            serving.forget_predecessor(generation);
            self.actions.push_back(Action::GiveBackListeners);
            self.stop(now);
        }
        self.actions.extend(others);
    }

    fn elder_gone(&mut self, generation: Generation) {
        if let Some(serving) = self.newest() {
            serving.elders.remove(generation);
            serving.forget_predecessor(generation);
            let others = serving.read_all_but(generation);
            self.actions.extend(others);
        }
    }

    /// What it knows of its service, if it is the newest process of it.
    const fn newest(&mut self) -> Option<&mut Serving> {
        match &mut self.state {
            State::Serving(serving) | State::Upgrading(serving, _) => Some(serving),
            State::Starting | State::Draining(..) | State::Leaving(_) | State::Ended { .. } => None,
        }
    }

    fn in_flight(&mut self, now: Instant, tally: Tally) {
        let news = match &mut self.state {
            State::Draining(_, _, drain, progress) => {
                drain.in_flight(now, tally);
                progress.message(now, tally.in_flight)
            }
            State::Leaving(leaving) => leaving.in_flight(now, tally),
            State::Starting | State::Serving(_) | State::Upgrading(..) | State::Ended { .. } => {
                None
            }
        };
        self.actions.extend(news.map(|message| Action::Upgrade(OldAction::Send(message))));
    }

    /// Passes the side's actions on, and moves to the state that they or the drain call for.
    fn settle(&mut self, now: Instant) {
        while let Some(action) = self.side().and_then(OldSide::poll_action) {
            match action {
                OldAction::StopAccepting { .. } => self.begin_draining(now),
                OldAction::Resume => self.resume(),
                OldAction::SendOffer => self.confirm_predecessor(),
                OldAction::Spawn
                | OldAction::Send(_)
                | OldAction::OpenMoves { .. }
                | OldAction::CloseMoves
                | OldAction::Kill
                | OldAction::Enter(_) => {}
            }
            self.actions.push_back(Action::Upgrade(action));
        }
        self.conclude_upgrade(now);
        self.conclude_drain(now);
    }

    /// The upgrade under way, or being called off.
    fn side(&mut self) -> Option<&mut OldSide> {
        match &mut self.state {
            State::Upgrading(_, side) | State::Draining(_, side, ..) => Some(side),
            State::Leaving(leaving) => leaving.upgrade(),
            State::Starting | State::Serving(_) | State::Ended { .. } => None,
        }
    }

    /// Who makes an offer is not rolled back any more: were it to die now, the process that has
    /// the offer goes on alone, and a predecessor that resumed would be one too many.
    fn confirm_predecessor(&mut self) {
        if let Some(serving) = self.newest() {
            let confirmed = serving.confirm_predecessor();
            self.actions.extend(confirmed);
        }
    }

    fn begin_draining(&mut self, now: Instant) {
        self.replace(|state, actions, settings| match state {
            State::Upgrading(mut serving, side) => {
                actions.push_back(Action::LeaveElders);
                serving.next = side.generation().next();
                let drain = Drain::begin(now, settings.drain_timeout);
                State::Draining(serving, side, drain, Progress::new(now))
            }
            other @ (State::Starting
            | State::Serving(_)
            | State::Draining(..)
            | State::Leaving(_)
            | State::Ended { .. }) => other,
        });
    }

    fn resume(&mut self) {
        self.replace(|state, actions, _| match state {
            State::Draining(serving, side, _, _) => {
                // The process that read was another one, and it is gone.
                actions.extend(serving.read().into_iter().map(Action::ReadElder));
                State::Upgrading(serving, side)
            }
            other @ (State::Starting
            | State::Serving(_)
            | State::Upgrading(..)
            | State::Leaving(_)
            | State::Ended { .. }) => other,
        });
    }

    fn conclude_upgrade(&mut self, now: Instant) {
        self.replace(|state, actions, settings| match state {
            State::Upgrading(serving, side) => match side.verdict() {
                Some(verdict) => {
                    actions.push_back(Action::Verdict(verdict.clone()));
                    State::Serving(serving)
                }
                None => State::Upgrading(serving, side),
            },
            State::Draining(serving, side, drain, progress) => match side.verdict() {
                Some(verdict) => {
                    let ending = Ending::Upgraded(side.generation());
                    actions.push_back(Action::Verdict(verdict.clone()));
                    actions.push_back(Action::ReleaseElders);
                    actions.push_back(Action::EndListeners(ending));
                    // What the new process did not claim was accepted on until now.
                    let drain = drain.reopened(now, settings.drain_timeout);
                    State::Leaving(Leaving::upgraded(ending, drain, progress))
                }
                None => State::Draining(serving, side, drain, progress),
            },
            other @ (State::Starting
            | State::Serving(_)
            | State::Leaving(_)
            | State::Ended { .. }) => other,
        });
    }

    fn conclude_drain(&mut self, now: Instant) {
        self.replace(|state, actions, _| match state {
            State::Draining(serving, side, mut drain, progress) => {
                actions.extend(drain.take_cut().then_some(Action::Cut));
                State::Draining(serving, side, drain, progress)
            }
            State::Leaving(mut leaving) => {
                actions.extend(leaving.drain.take_cut().then_some(Action::Cut));
                leaving.conclude(now, actions)
            }
            other @ (State::Starting
            | State::Serving(_)
            | State::Upgrading(..)
            | State::Ended { .. }) => other,
        });
    }

    /// Replaces the state by one made of it.
    fn replace(&mut self, with: impl FnOnce(State, &mut VecDeque<Action>, &Settings) -> State) {
        let state = core::mem::replace(&mut self.state, State::Starting);
        self.state = with(state, &mut self.actions, &self.settings);
    }
}
