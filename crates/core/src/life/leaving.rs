//! The last part of a life: nothing new is accepted, ever, and what is left is finished or cut.

use alloc::collections::VecDeque;
use core::iter;

use super::progress::Progress;
use super::{Action, Ending, State};
use crate::drain::{Drain, HammerCause, Tally};
use crate::message::Message;
use crate::old::{OldAction, OldSide};
use crate::settings::Settings;
use crate::time::Instant;

/// A process that leaves.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) ending: Ending,
    pub(super) drain: Drain,
    /// What the newest process is told. Nobody is told of a stop.
    progress: Option<Progress>,
    /// An upgrade that was called off, until its process is gone.
    upgrade: Option<OldSide>,
    urgency: Urgency,
}

/// How often it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    NotAsked,
    Asked,
    /// A second time: it ends at once, one way or the other.
    Now,
}

impl Leaving {
    /// A process whose successor is confirmed, and whose drain began at the commit.
    pub(super) const fn upgraded(ending: Ending, drain: Drain, progress: Progress) -> Self {
        Self { ending, drain, progress: Some(progress), upgrade: None, urgency: Urgency::NotAsked }
    }

    /// A process that was asked to stop, if need be in the middle of an upgrade.
    pub(super) fn stopped(now: Instant, settings: &Settings, upgrade: Option<OldSide>) -> Self {
        Self {
            ending: Ending::Stopped,
            drain: Drain::begin(now, settings.drain_timeout),
            progress: None,
            upgrade,
            urgency: Urgency::Asked,
        }
    }

    /// It is asked to stop: the first time it is leaving already, the second time it ends now.
    pub(super) fn stop(&mut self, now: Instant) {
        self.urgency = match self.urgency {
            Urgency::NotAsked => Urgency::Asked,
            Urgency::Asked | Urgency::Now => {
                self.drain.hammer(now, HammerCause::Operator);
                Urgency::Now
            }
        };
    }

    /// Somebody at the other end of the upgrade's channel asks for the hammer. That is for a newer
    /// generation to ask, and not for the process of an upgrade that was called off.
    pub(super) fn hammered(&mut self, now: Instant) {
        if self.is_replaced() {
            self.drain.hammer(now, HammerCause::Newer);
        }
    }

    /// Whether a newer generation serves, or did.
    pub(super) const fn is_replaced(&self) -> bool {
        matches!(self.ending, Ending::Upgraded(_))
    }

    /// So much is in flight. Returns what the newest process is to be told.
    pub(super) fn in_flight(&mut self, now: Instant, tally: Tally) -> Option<Message> {
        self.drain.in_flight(now, tally);
        self.progress.as_mut()?.message(now, tally.in_flight)
    }

    /// The upgrade that was called off, if it is not over.
    pub(super) const fn upgrade(&mut self) -> Option<&mut OldSide> {
        self.upgrade.as_mut()
    }

    /// When to tick next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let progress = self.progress.as_ref();
        let progress = progress.and_then(|progress| progress.poll_timeout(&self.drain));
        let upgrade = self.upgrade.as_ref().and_then(OldSide::poll_timeout);
        let drain = self.drain.poll_timeout();
        drain.into_iter().chain(progress).chain(upgrade).min()
    }

    /// Moves on if the drain is over and nobody is left to be reaped, or if there is no more time
    /// for that.
    pub(super) fn conclude(mut self, now: Instant, actions: &mut VecDeque<Action>) -> State {
        if let (Urgency::Now, Some(side)) = (self.urgency, &mut self.upgrade) {
            side.abandon();
            actions.extend(iter::from_fn(|| side.poll_action()).map(Action::Upgrade));
        }
        if let Some(verdict) = self.upgrade.as_ref().and_then(OldSide::verdict) {
            actions.push_back(Action::Verdict(verdict.clone()));
            self.upgrade = None;
        }
        let Some(report) = self.drain.report().copied() else {
            return State::Leaving(self);
        };
        let die_at = match self.urgency {
            Urgency::Now => Some(now + Settings::STOP_NOW_GRACE),
            Urgency::NotAsked | Urgency::Asked if self.upgrade.is_some() => {
                return State::Leaving(self);
            }
            Urgency::NotAsked | Urgency::Asked => None,
        };
        if let Ending::Upgraded(_) = self.ending {
            let farewell = Message::Farewell { cut: report.cut, moved: report.moved };
            actions.push_back(Action::Upgrade(OldAction::Send(farewell)));
        }
        actions.push_back(Action::Finish(report));
        State::Ended { ending: self.ending, die_at }
    }
}
