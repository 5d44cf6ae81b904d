//! What others may ask of a process: upgrade, stop, hammer. Each is done, or refused with why.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::leaving::Leaving;
use super::{Action, Ending, Life, Reader, Refusal, Serving, State};
use crate::drain::HammerCause;
use crate::generation::Generation;
use crate::message::Message;
use crate::old::{OldEvent, OldSide, Terms};
use crate::time::Instant;

impl Life {
    /// Asks for an upgrade: the program is started again.
    ///
    /// # Errors
    ///
    /// If this is not the moment.
    pub fn upgrade(&mut self, now: Instant) -> Result<(), Refusal> {
        self.begin_upgrade(now, OldSide::spawn)
    }

    /// Asks for an upgrade to a process that somebody else started and that came to us.
    ///
    /// # Errors
    ///
    /// If this is not the moment.
    pub fn meet(&mut self, now: Instant) -> Result<(), Refusal> {
        self.begin_upgrade(now, OldSide::met)
    }

    /// Asks for a graceful stop; a second time, for a stop at once.
    pub fn stop(&mut self, now: Instant) {
        match &mut self.state {
            State::Starting => self.actions.push_back(Action::Die),
            State::Serving(serving) => {
                self.actions.extend(serving.confirm_predecessor());
                self.begin_leaving(now);
            }
            State::Upgrading(serving, side) => {
                self.actions.extend(serving.confirm_predecessor());
                side.handle(now, OldEvent::Cancel);
                self.begin_leaving(now);
            }
            State::Draining(_, side, ..) => {
                side.handle(now, OldEvent::Cancel);
                self.settle(now);
                if let State::Leaving(leaving) = &mut self.state {
                    leaving.stop(now);
                }
            }
            State::Leaving(leaving) => leaving.stop(now),
            State::Ended { .. } => self.actions.push_back(Action::Die),
        }
        self.settle(now);
    }

    /// Asks that what drains is cut now: in every older generation if this process serves, else
    /// here. Returns how many processes were told.
    ///
    /// # Errors
    ///
    /// If nothing drains that was not hammered already.
    pub fn hammer(&mut self, now: Instant) -> Result<usize, Refusal> {
        let told = match &mut self.state {
            State::Starting | State::Ended { .. } => 0,
            State::Serving(serving) | State::Upgrading(serving, _) => {
                hammer_elders(serving, &mut self.actions)
            }
            State::Draining(_, _, drain, _) | State::Leaving(Leaving { drain, .. }) => {
                let running = drain.report().is_none();
                drain.hammer(now, HammerCause::Operator);
                usize::from(running)
            }
        };
        self.settle(now);
        if told == 0 { Err(Refusal::NothingDrains) } else { Ok(told) }
    }

    fn begin_upgrade(&mut self, now: Instant, side: Beginning) -> Result<(), Refusal> {
        let refusal = match &self.state {
            State::Serving(serving) => {
                let terms = self.terms(serving);
                self.replace(|state, _, _| match state {
                    State::Serving(serving) => State::Upgrading(serving, side(now, terms)),
                    other @ (State::Starting
                    | State::Upgrading(..)
                    | State::Draining(..)
                    | State::Leaving(_)
                    | State::Ended { .. }) => other,
                });
                self.settle(now);
                return Ok(());
            }
            State::Starting => Refusal::NotReady,
            State::Upgrading(_, side) => {
                side.phase().map_or(Refusal::UpgradeEnding, Refusal::UpgradeInProgress)
            }
            State::Draining(_, side, ..) => Refusal::Replaced(side.generation()),
            State::Leaving(Leaving { ending, .. }) | State::Ended { ending, .. } => match ending {
                Ending::Upgraded(generation) => Refusal::Replaced(*generation),
                Ending::Stopped => Refusal::Stopping,
            },
        };
        Err(refusal)
    }

    fn terms(&self, serving: &Serving) -> Terms {
        Terms {
            start_timeout: self.settings.start_timeout,
            probation: self.settings.probation,
            versions: self.versions,
            old_pid: self.pid,
            old_generation: serving.generation,
            generation: serving.next,
            offered: serving.listeners,
        }
    }

    /// Accepts no more, for good, since the process was asked to stop.
    fn begin_leaving(&mut self, now: Instant) {
        self.replace(|state, actions, settings| {
            let upgrade = match state {
                State::Upgrading(_, side) => Some(side),
                State::Starting
                | State::Serving(_)
                | State::Draining(..)
                | State::Leaving(_)
                | State::Ended { .. } => None,
            };
            actions.push_back(Action::ReleaseElders);
            actions.push_back(Action::EndListeners(Ending::Stopped));
            State::Leaving(Leaving::stopped(now, settings, upgrade))
        });
    }
}

/// How an upgrade begins: by starting a process, or by meeting one.
type Beginning = fn(Instant, Terms) -> OldSide;

impl Serving {
    /// Tells the old process, once, that it need not be able to resume any more.
    pub(super) fn confirm_predecessor(&mut self) -> Option<Action> {
        self.predecessor.take().map(|old| Action::Elder(old, Message::Confirmed))
    }

    /// Whether this process reads what the elder of this generation sends.
    pub(super) fn reads(&self, generation: Generation) -> bool {
        match self.reader {
            Reader::Old(old) => old == generation,
            Reader::This => true,
        }
    }

    /// Those whose words this process reads.
    pub(super) fn read(&self) -> Vec<Generation> {
        let elders = self.elders.iter().map(|elder| elder.generation);
        elders.filter(|&elder| self.reads(elder)).collect()
    }

    /// The old process, if it is this one, does not read what the older ones send any more: this
    /// one begins to.
    pub(super) fn read_all_but(&mut self, old: Generation) -> Vec<Action> {
        if self.reader != Reader::Old(old) {
            return Vec::new();
        }
        self.reader = Reader::This;
        self.read().into_iter().filter(|&elder| elder != old).map(Action::ReadElder).collect()
    }

    /// The old process, if it is this one, is told nothing any more: it is gone, or has resumed.
    pub(super) fn forget_predecessor(&mut self, generation: Generation) {
        self.predecessor = self.predecessor.filter(|&old| old != generation);
    }
}

fn hammer_elders(serving: &mut Serving, actions: &mut VecDeque<Action>) -> usize {
    let elders = serving.elders.hammer_all();
    let told = elders.len();
    actions.extend(elders.into_iter().map(|elder| Action::Elder(elder, Message::Hammer)));
    told
}
