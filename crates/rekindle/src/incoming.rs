//! The new process before it serves: its end of the channel, its machine, what it was offered.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant as SystemInstant};

use rekindle_core::{
    DecodeError, ElderEntry, ListenerEntry, Message, NewAction, NewEvent, NewFailure, NewSide,
    PROTOCOL, Receiver, StateEntry, Text,
};
use rekindle_unix::{Channel, FrameBuffer, Process};
use rustix::event::{PollFd, PollFlags, poll};
use tracing::debug;

use crate::clock::Clock;
use crate::link::{Arrival, Link};
use crate::poll_timeout::timespec;

/// How long an old process that hung up is given to be gone before it counts as alive.
const DEATH_GRACE: Duration = Duration::from_secs(1);

/// A new process's side of the upgrade that it is part of.
#[derive(Debug)]
pub(crate) struct Incoming {
    side: NewSide,
    link: Link,
    clock: Clock,
    buffer: FrameBuffer,
    listeners: Vec<OwnedFd>,
    elders: Vec<OwnedFd>,
    elder_entries: Vec<ElderEntry>,
    states: Vec<OwnedFd>,
    old: Option<Process>,
    actions: VecDeque<NewAction>,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    /// End of file was read. It would be read again and again.
    Over,
}

/// What a new process is offered, each with its descriptors in the same order.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) listeners: (Vec<ListenerEntry>, Vec<OwnedFd>),
    pub(crate) states: (Vec<StateEntry>, Vec<OwnedFd>),
}

/// What a new process took over.
#[derive(Debug)]
pub(crate) struct TakenOver {
    /// The old process and the channel to it, unless it is dead.
    pub(crate) predecessor: Option<(ElderEntry, Link)>,
    pub(crate) elders: Vec<(ElderEntry, OwnedFd)>,
}

impl Incoming {
    /// Greets the old process over `channel`.
    pub(crate) fn greet(channel: Channel, build: Text, patience: Duration) -> Self {
        let clock = Clock::start();
        let side = NewSide::new(clock.now(), PROTOCOL, std::process::id(), build, patience);
        let mut incoming = Self {
            side,
            link: Link::new(channel),
            clock,
            buffer: FrameBuffer::new(),
            listeners: Vec::new(),
            elders: Vec::new(),
            elder_entries: Vec::new(),
            states: Vec::new(),
            old: None,
            actions: VecDeque::new(),
            reading: Reading::Open,
        };
        incoming.carry_out();
        incoming
    }

    /// Waits, in this thread, until the offer is whole; takes listeners and states out.
    pub(crate) fn receive_offer(&mut self) -> Result<Offered, NewFailure> {
        loop {
            self.pump();
            if let Some(failure) = self.side.failure() {
                return Err(failure.clone());
            }
            if let Some(offer) = self.side.offer() {
                self.elder_entries.clone_from(&offer.elders);
                return Ok(Offered {
                    listeners: (offer.listeners.clone(), std::mem::take(&mut self.listeners)),
                    states: (offer.states.clone(), std::mem::take(&mut self.states)),
                });
            }
            let flags =
                if self.link.wants_room() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            let timeout = self.side.poll_timeout().map(|moment| self.clock.until(moment));
            let now = SystemInstant::now();
            let retry = self.retry_at().map(|at| at.saturating_duration_since(now));
            let timeout = timeout.into_iter().chain(retry).min();
            let mut set = [PollFd::from_borrowed_fd(self.link.as_fd(), flags)];
            // An interrupted wait is only a short one.
            let _ = poll(&mut set, timespec(timeout).as_ref());
        }
    }

    /// What the old process said of itself and of us.
    pub(crate) fn greeting(&self) -> Option<rekindle_core::Greeting> {
        self.side.greeting()
    }

    /// Why this process cannot take over, if it cannot.
    pub(crate) fn failure(&self) -> Option<&NewFailure> {
        self.side.failure()
    }

    /// Takes in all that came, and sends what is due.
    pub(crate) fn pump(&mut self) {
        self.link.flush();
        while self.can_hear() {
            match self.link.receive(&mut self.buffer) {
                Arrival::Message(message, descriptors) => self.message(message, descriptors),
                Arrival::Garbage(error) => {
                    self.side.handle(NewEvent::Garbage(DecodeError::NotAMessage { error }));
                }
                Arrival::EndOfFile => self.end_of_file(),
                Arrival::Nothing => break,
            }
            self.carry_out();
        }
        self.side.tick(self.clock.now());
        self.carry_out();
    }

    /// Sends what waits, as far as it fits.
    pub(crate) fn flush(&mut self) {
        self.link.flush();
    }

    /// Whether something waits for room in the channel.
    pub(crate) fn wants_room(&self) -> bool {
        self.link.wants_room()
    }

    /// When to flush again, if it is not the room that is missing.
    pub(crate) const fn retry_at(&self) -> Option<SystemInstant> {
        self.link.retry_at()
    }

    /// Whether something may come that is of use.
    pub(crate) fn can_hear(&self) -> bool {
        self.reading == Reading::Open && !self.side.is_serving() && self.side.failure().is_none()
    }

    /// The program is ready and wants these listeners.
    pub(crate) fn ready(&mut self, claimed: Vec<u32>, takes: Vec<Receiver>) {
        self.side.handle(NewEvent::Ready { claimed, takes });
        self.carry_out();
    }

    /// The program cannot go on.
    pub(crate) fn abandon(&mut self, words: Text) {
        self.side.handle(NewEvent::Fail(words));
        self.carry_out();
    }

    /// It is over: a program that lingers keeps nobody else's channel open.
    pub(crate) fn let_go(&mut self) {
        self.elders.clear();
        self.listeners.clear();
        self.states.clear();
    }

    /// What was taken over, as soon as this process is to serve.
    pub(crate) fn is_to_serve(&self) -> bool {
        !self.actions.is_empty()
    }

    /// What was taken over.
    pub(crate) fn take_over(mut self) -> Option<TakenOver> {
        let greeting = self.side.greeting()?;
        let action = self.actions.pop_front()?;
        let predecessor = match action {
            NewAction::Serve => {
                let generation = greeting.old_generation;
                let entry = ElderEntry { generation, pid: greeting.old_pid, in_flight: 0 };
                Some((entry, self.link))
            }
            NewAction::ServeAlone | NewAction::Send(_) => None,
        };
        let elders = self.elder_entries.into_iter().zip(self.elders).collect();
        Some(TakenOver { predecessor, elders })
    }

    fn message(&mut self, message: Message, descriptors: Vec<OwnedFd>) {
        match &message {
            Message::Listeners { .. } => self.listeners.extend(descriptors),
            Message::Elders { .. } => self.elders.extend(descriptors),
            Message::States { .. } => self.states.extend(descriptors),
            Message::Welcome { old_pid: pid, .. } => {
                self.old = Process::open(*pid)
                    .inspect_err(|error| debug!(%error, pid, "the old process is gone already"))
                    .ok();
            }
            _ => {}
        }
        self.side.handle(NewEvent::Message(message));
    }

    /// An old process that dies closes its end a little before it counts as dead.
    fn end_of_file(&mut self) {
        self.reading = Reading::Over;
        let lives =
            self.old.as_ref().is_some_and(|old| !old.wait_for(DEATH_GRACE).unwrap_or(false));
        self.side.handle(if lives { NewEvent::OldHungUp } else { NewEvent::OldDied });
    }

    fn carry_out(&mut self) {
        while let Some(action) = self.side.poll_action() {
            match action {
                NewAction::Send(message) => self.link.post(&message),
                NewAction::Serve | NewAction::ServeAlone => self.actions.push_back(action),
            }
        }
    }
}

impl AsFd for Incoming {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}
