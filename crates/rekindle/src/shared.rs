//! What the faces of a service and its driver share.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use rekindle_core::{Ending, Generation, NewFailure, Text};
use rekindle_unix::Bell;

use crate::held::Held;
use crate::moves::{Mailbox, Outbox};
use crate::report::Report;
use crate::states::StateOffer;
use crate::ticket::Ticket;
use crate::tracker::Tracker;
use crate::watch::Watch;

/// How far the life of this process is, for the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    Failed(NewFailure),
    Serving,
    /// A new process took over, and may yet give back.
    Draining,
    Ending(Ending),
    Finished(Report),
}

/// What a face asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Ready(Ready),
    Abandon(Text),
    Upgrade { arguments: Option<Vec<OsString>>, ticket: Ticket },
    Stop,
    Hammer,
}

/// What a program has when it is ready.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) held: Vec<Arc<Held>>,
    /// The positions in the old process's offer of what it took of it.
    pub(crate) claimed: Vec<u32>,
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) states: Vec<StateOffer>,
}

/// The shared part.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) generation: Generation,
    /// The old process's id, if this is a successor.
    pub(crate) predecessor: Option<u32>,
    pub(crate) stage: Watch<Stage>,
    pub(crate) tracker: Tracker,
    pub(crate) outbox: Outbox,
    bell: Arc<Bell>,
    commands: Mutex<VecDeque<Command>>,
}

impl Shared {
    pub(crate) fn new(generation: Generation, predecessor: Option<u32>, bell: Bell) -> Self {
        let bell = Arc::new(bell);
        Self {
            generation,
            predecessor,
            stage: Watch::new(Stage::Starting),
            tracker: Tracker::new(Arc::clone(&bell)),
            outbox: Outbox::new(Arc::clone(&bell)),
            bell,
            commands: Mutex::new(VecDeque::new()),
        }
    }

    /// Asks the driver for something.
    pub(crate) fn ask(&self, command: Command) {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push_back(command);
        self.bell.ring();
    }

    /// The next thing that was asked for.
    pub(crate) fn next_command(&self) -> Option<Command> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What wakes the driver.
    pub(crate) const fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }
}
