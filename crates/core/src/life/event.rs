//! The words between a driver and the machine of a process's life: what happened, what to do.

use alloc::vec::Vec;

use crate::drain::{DrainReport, Tally};
use crate::generation::Generation;
use crate::message::{ElderEntry, Message};
use crate::old::{OldAction, OldEvent};
use crate::verdict::Verdict;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The program serves: it is the first of its service, or the old process has committed.
    Began {
        /// Its generation.
        generation: Generation,
        /// The old process, if there is one.
        predecessor: Option<ElderEntry>,
        /// The older ones that the old process passed on.
        elders: Vec<ElderEntry>,
        /// How many listeners this process would offer to a successor.
        listeners: u32,
    },
    /// Something happened to the upgrade under way.
    Upgrade(OldEvent),
    /// An elder sent a message.
    Elder(Generation, Message),
    /// An elder closed its channel: it is gone.
    ElderGone(Generation),
    /// So much is in flight. Also the answer to [`OldAction::StopAccepting`] and
    /// [`Action::EndListeners`].
    InFlight(Tally),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Do this for the upgrade under way.
    Upgrade(OldAction),
    /// The upgrade is over: tell whoever asked, close the channel unless it was committed.
    Verdict(Verdict),
    /// Send this to an elder.
    Elder(Generation, Message),
    /// Begin to read what this elder sends ([`Intake::begin`](crate::Intake::begin)).
    ReadElder(Generation),
    /// The new process reads what the elders send from here on
    /// ([`Intake::leave`](crate::Intake::leave)).
    LeaveElders,
    /// Close the channels to the elders: the newest process holds them now.
    ReleaseElders,
    /// What came from the old process is its own again: it accepts there, so it is neither
    /// emptied nor closed when the listeners end.
    GiveBackListeners,
    /// No listener is accepted on any more, ever: tell the program why.
    EndListeners(Ending),
    /// Cut all connections that are in flight.
    Cut,
    /// The drain is over: the program may exit.
    Finish(DrainReport),
    /// End the process by the stop signal's default action.
    Die,
}

/// Why a process stops serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The next generation took over, for good.
    Upgraded(Generation),
    /// It was asked to stop.
    Stopped,
}
