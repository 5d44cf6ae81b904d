//! The new side of one upgrade: from its first word to the moment when it serves.
//!
//! ```text
//!            Welcome           OfferEnd            ready            Commit
//!   Greeting ──────► Receiving ───────► Initialising ───► Awaiting ────────► Serving
//!      │                 │                   │  │ old died    │ old died       ▲
//!      │ anything else   │                   │  ▼             └────────────────┤
//!      │                 │                   │ Orphan ───────── ready ─────────┘ (alone)
//!      ▼                 ▼                   ▼ refused
//!    Failed            Failed              Failed
//! ```
//!
//! A new process that has the whole offer when the old one dies goes on alone: it holds every
//! listener. One that has not cannot serve, and says so. "Died" is more than end of file: an old
//! process that hung up and lives on has dropped this one, and two that serve would be worse than
//! one. The driver looks.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::codec::DecodeError;
use crate::generation::Generation;
use crate::message::Message;
use crate::moved::Receiver;
use crate::moves::RECEIVERS_PER_FRAME;
use crate::offer::{Offer, OfferError, OfferReader};
use crate::reason::Reason;
use crate::text::Text;
use crate::time::Instant;
use crate::version::VersionRange;

/// What happened, for the new side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewEvent {
    /// A message came.
    Message(Message),
    /// What came was no message.
    Garbage(DecodeError),
    /// The old side's end of the channel is closed, and the old process is gone.
    OldDied,
    /// The old side's end of the channel is closed, and the old process lives on.
    OldHungUp,
    /// The program is ready.
    Ready {
        /// The listeners that it wants, by position in the offer.
        claimed: Vec<u32>,
        /// The connections that it takes over.
        takes: Vec<Receiver>,
    },
    /// The program cannot go on.
    Fail(Text),
}

/// What to do, for the new side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewAction {
    /// Send this.
    Send(Message),
    /// Begin to accept, and say [`Message::Serving`] once the world knows. The old process is
    /// there and drains.
    Serve,
    /// Begin to accept. The old process is dead.
    ServeAlone,
}

/// Why a new process cannot take over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NewFailure {
    /// The old process said why.
    #[error("take over from the old process, which refuses: {0}")]
    Refused(Reason),
    /// The old process died while its offer was under way.
    #[error("take over from the old process, which died before its offer was whole")]
    OldDied,
    /// The old process closed the channel and lives on.
    #[error("take over from the old process, which closed the channel and goes on by itself")]
    OldHungUp,
    /// The old process was silent for too long.
    #[error("take over from the old process, which said nothing for {0:?}")]
    Silent(Duration),
    /// The old process sent what is no message.
    #[error("understand the old process")]
    Garbage(#[source] DecodeError),
    /// The old process sent a message that has no place here.
    #[error("understand the old process, which sent `{0}` out of turn")]
    OutOfTurn(&'static str),
    /// The old process chose a version that this one does not speak.
    #[error("understand the old process, which chose protocol version {0}")]
    Version(u16),
    /// The offer cannot be used.
    #[error("take the old process's offer")]
    Offer(#[source] OfferError),
    /// The program gave up by itself.
    #[error("start: {0}")]
    GaveUp(Text),
}

/// What the old process said of itself and of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The generation that this process is, if it takes over.
    pub generation: Generation,
    /// The old side's process id.
    pub old_pid: u32,
    /// The old side's generation.
    pub old_generation: Generation,
    /// How long this process may take until it is ready.
    pub start_timeout: Duration,
}

/// The new side's machine.
#[derive(Debug)]
pub struct NewSide {
    versions: VersionRange,
    patience: Duration,
    state: State,
    actions: VecDeque<NewAction>,
}

#[derive(Debug)]
enum State {
    Greeting { deadline: Instant },
    Receiving { greeting: Greeting, reader: OfferReader, deadline: Instant },
    Initialising { greeting: Greeting, offer: Offer },
    Orphan { greeting: Greeting, offer: Offer },
    Awaiting { greeting: Greeting },
    Serving { greeting: Greeting },
    Failed(NewFailure),
}

impl NewSide {
    /// The machine of a process `pid` that runs `build` and speaks `versions`. It waits no longer
    /// than `patience` for the offer to be whole.
    #[must_use]
    pub fn new(
        now: Instant,
        versions: VersionRange,
        pid: u32,
        build: Text,
        patience: Duration,
    ) -> Self {
        let hello = Message::Hello { versions, pid, build };
        let state = State::Greeting { deadline: now + patience };
        Self { versions, patience, state, actions: [NewAction::Send(hello)].into() }
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, event: NewEvent) {
        match event {
            NewEvent::Message(message) => self.message(message),
            NewEvent::Garbage(error) => self.fail(NewFailure::Garbage(error)),
            NewEvent::OldDied => self.old_died(),
            NewEvent::OldHungUp => self.fail(NewFailure::OldHungUp),
            NewEvent::Ready { claimed, takes } => self.ready(claimed, &takes),
            NewEvent::Fail(words) => self.give_up(words),
        }
    }

    /// Tells the machine that it is `now`.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Greeting { deadline } | State::Receiving { deadline, .. } if now >= deadline => {
                self.fail(NewFailure::Silent(self.patience));
            }
            State::Greeting { .. }
            | State::Receiving { .. }
            | State::Initialising { .. }
            | State::Orphan { .. }
            | State::Awaiting { .. }
            | State::Serving { .. }
            | State::Failed(_) => {}
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<NewAction> {
        self.actions.pop_front()
    }

    /// When to call [`NewSide::tick`] next. Once the offer is whole it is the old side that
    /// watches the time.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Greeting { deadline } | State::Receiving { deadline, .. } => Some(deadline),
            State::Initialising { .. }
            | State::Orphan { .. }
            | State::Awaiting { .. }
            | State::Serving { .. }
            | State::Failed(_) => None,
        }
    }

    /// The offer and who made it, while the program initialises.
    #[must_use]
    pub const fn offer(&self) -> Option<&Offer> {
        match &self.state {
            State::Initialising { offer, .. } | State::Orphan { offer, .. } => Some(offer),
            State::Greeting { .. }
            | State::Receiving { .. }
            | State::Awaiting { .. }
            | State::Serving { .. }
            | State::Failed(_) => None,
        }
    }

    /// What the old process said of itself and of us, once it did.
    #[must_use]
    pub const fn greeting(&self) -> Option<Greeting> {
        match self.state {
            State::Receiving { greeting, .. }
            | State::Initialising { greeting, .. }
            | State::Orphan { greeting, .. }
            | State::Awaiting { greeting }
            | State::Serving { greeting } => Some(greeting),
            State::Greeting { .. } | State::Failed(_) => None,
        }
    }

    /// Why this process cannot take over, if it cannot.
    #[must_use]
    pub const fn failure(&self) -> Option<&NewFailure> {
        match &self.state {
            State::Failed(failure) => Some(failure),
            State::Greeting { .. }
            | State::Receiving { .. }
            | State::Initialising { .. }
            | State::Orphan { .. }
            | State::Awaiting { .. }
            | State::Serving { .. } => None,
        }
    }

    /// Whether this process serves.
    #[must_use]
    pub const fn is_serving(&self) -> bool {
        matches!(self.state, State::Serving { .. })
    }

    fn message(&mut self, message: Message) {
        match (&mut self.state, message) {
            (State::Serving { .. } | State::Failed(_), _) => {}
            (_, Message::Refused { reason }) => self.fail(NewFailure::Refused(reason)),
            (
                State::Greeting { deadline },
                Message::Welcome { version, generation, old_pid, start_timeout_ms, old_generation },
            ) => {
                if !self.versions.contains(version) {
                    return self.fail(NewFailure::Version(version));
                }
                let start_timeout = Duration::from_millis(start_timeout_ms);
                let greeting = Greeting { generation, old_pid, old_generation, start_timeout };
                let (reader, deadline) = (OfferReader::new(), *deadline);
                self.state = State::Receiving { greeting, reader, deadline };
            }
            (State::Receiving { reader, .. }, Message::Listeners { entries }) => {
                let taken = reader.listeners(entries);
                self.fail_if(taken);
            }
            (State::Receiving { reader, .. }, Message::Elders { entries }) => {
                let taken = reader.elders(entries);
                self.fail_if(taken);
            }
            (State::Receiving { reader, .. }, Message::States { entries }) => {
                let taken = reader.states(entries);
                self.fail_if(taken);
            }
            (
                State::Receiving { reader, greeting, .. },
                Message::OfferEnd { listeners, elders, states },
            ) => match reader.finish(listeners, elders, states) {
                Ok(offer) => {
                    let greeting = *greeting;
                    self.state = State::Initialising { greeting, offer };
                }
                Err(error) => self.fail(NewFailure::Offer(error)),
            },
            (State::Awaiting { greeting }, Message::Commit) => {
                self.state = State::Serving { greeting: *greeting };
                self.actions.push_back(NewAction::Serve);
            }
            (
                State::Greeting { .. }
                | State::Receiving { .. }
                | State::Initialising { .. }
                | State::Orphan { .. }
                | State::Awaiting { .. },
                message,
            ) => self.fail(NewFailure::OutOfTurn(message.name())),
        }
    }

    fn old_died(&mut self) {
        match &mut self.state {
            State::Greeting { .. } | State::Receiving { .. } => self.fail(NewFailure::OldDied),
            State::Initialising { greeting, offer } => {
                let (greeting, offer) = (*greeting, core::mem::take(offer));
                self.state = State::Orphan { greeting, offer };
            }
            State::Awaiting { greeting } => {
                self.state = State::Serving { greeting: *greeting };
                self.actions.push_back(NewAction::ServeAlone);
            }
            State::Orphan { .. } | State::Serving { .. } | State::Failed(_) => {}
        }
    }

    fn ready(&mut self, claimed: Vec<u32>, takes: &[Receiver]) {
        match &self.state {
            State::Initialising { greeting, .. } => {
                self.state = State::Awaiting { greeting: *greeting };
                let takes = takes.chunks(RECEIVERS_PER_FRAME);
                let takes = takes.map(|some| Message::Takes { receivers: some.to_vec() });
                self.actions.extend(takes.map(NewAction::Send));
                self.actions.push_back(NewAction::Send(Message::Ready { claimed }));
            }
            State::Orphan { greeting, .. } => {
                self.state = State::Serving { greeting: *greeting };
                self.actions.push_back(NewAction::ServeAlone);
            }
            State::Greeting { .. }
            | State::Receiving { .. }
            | State::Awaiting { .. }
            | State::Serving { .. }
            | State::Failed(_) => {}
        }
    }

    fn give_up(&mut self, words: Text) {
        match self.state {
            State::Greeting { .. } | State::Receiving { .. } | State::Initialising { .. } => {
                let failed = Message::Failed { words: words.clone() };
                self.actions.push_back(NewAction::Send(failed));
                self.fail(NewFailure::GaveUp(words));
            }
            State::Orphan { .. } => self.fail(NewFailure::GaveUp(words)),
            State::Awaiting { .. } | State::Serving { .. } | State::Failed(_) => {}
        }
    }

    fn fail_if(&mut self, taken: Result<(), OfferError>) {
        if let Err(error) = taken {
            self.fail(NewFailure::Offer(error));
        }
    }

    fn fail(&mut self, failure: NewFailure) {
        match self.state {
            State::Serving { .. } | State::Failed(_) => {}
            State::Greeting { .. }
            | State::Receiving { .. }
            | State::Initialising { .. }
            | State::Orphan { .. }
            | State::Awaiting { .. } => self.state = State::Failed(failure),
        }
    }
}
