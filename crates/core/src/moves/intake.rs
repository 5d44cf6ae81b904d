//! The intake: moves, from the side that takes. One for each elder.
//!
//! ```text
//!          recall                 its answer came
//!   Shut ─────────► Recalling ────────────────────► Open ─┐ a batch comes: say that it is
//!    ▲                  ▲                             │   │ taken, and only then have it
//!    │                  └─────────────────────────────┤◄──┘
//!    │                     a frame was lost           │
//!    └────────────────────────────────────────────────┘
//!             another process begins to read
//! ```
//!
//! The end of an elder's channel passes from reader to reader, and frames that one of them read
//! are not there for the next. So a reader first recalls what was sent before: what is still in
//! the channel then comes a second time, after the answer.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use crate::generation::Generation;
use crate::message::Message;
use crate::recall::{Then, Turn};

/// The machine of all moves from one elder. `C` is whatever the driver holds a connection by; one
/// that the machine drops is still the elder's, and has to be closed untouched.
#[derive(Debug)]
pub struct Intake<C> {
    reader: Generation,
    turns: u64,
    /// The number of the last batch that came.
    last: Option<u64>,
    state: State<C>,
}

#[derive(Debug)]
enum State<C> {
    /// Another process reads, or may.
    Shut,
    /// The answer is under way. What comes before it is kept, in case it is the last that the
    /// elder ever said.
    Recalling { turn: Turn, before: Vec<Batch<C>> },
    /// What comes is this process's to take. Of these, the elder has not been told yet.
    Open { untold: VecDeque<Batch<C>> },
}

#[derive(Debug)]
struct Batch<C> {
    number: u64,
    refused: Vec<u32>,
    connections: Vec<C>,
}

impl<C> Intake<C> {
    /// The process of generation `reader` does not read what this elder sends, or not yet.
    #[must_use]
    pub const fn shut(reader: Generation) -> Self {
        Self { reader, turns: 0, last: None, state: State::Shut }
    }

    /// It is the first that reads what this elder sends.
    #[must_use]
    pub const fn open(reader: Generation) -> Self {
        let state = State::Open { untold: VecDeque::new() };
        Self { reader, turns: 0, last: None, state }
    }

    /// It begins to read. Returns what to send to the elder.
    pub fn begin(&mut self) -> Message {
        self.recall(Then::SendAgain)
    }

    /// Another process reads from here on: what the elder was not told of is its own.
    pub fn leave(&mut self) {
        self.state = State::Shut;
    }

    /// A frame came that cannot be used, and what it was is not known: connections, or the answer
    /// to a recall. Returns what to send to the elder.
    pub fn lost(&mut self) -> Option<Message> {
        match self.state {
            State::Open { .. } | State::Recalling { .. } => Some(self.recall(Then::Keep)),
            State::Shut => None,
        }
    }

    /// A batch came: `connections` are to be taken, and those at the positions `refused` are not.
    pub fn moved(&mut self, number: u64, connections: Vec<C>, refused: Vec<u32>) {
        if self.last.is_some_and(|last| number <= last) {
            return;
        }
        self.last = Some(number);
        let batch = Batch { number, refused, connections };
        match &mut self.state {
            State::Shut => {}
            State::Recalling { before, .. } => before.push(batch),
            State::Open { untold } => untold.push_back(batch),
        }
    }

    /// The elder answered a recall. Whoever asked for it, what came before is the elder's again.
    pub fn recalled(&mut self, answered: Turn) {
        match &mut self.state {
            State::Recalling { turn, .. } if *turn == answered => {
                self.state = State::Open { untold: VecDeque::new() };
            }
            State::Recalling { before, .. } => before.clear(),
            State::Open { untold } => untold.clear(),
            State::Shut => {}
        }
    }

    /// What to tell the elder next. Once that is sent, call [`Intake::told`].
    #[must_use]
    pub fn word(&self) -> Option<Message> {
        match &self.state {
            State::Open { untold } => untold.front().map(|batch| Message::Taken {
                batch: batch.number,
                refused: batch.refused.clone(),
            }),
            State::Shut | State::Recalling { .. } => None,
        }
    }

    /// What [`Intake::word`] says was sent: these connections are this process's from here on.
    pub fn told(&mut self) -> Vec<C> {
        match &mut self.state {
            State::Open { untold } => {
                untold.pop_front().map(|batch| batch.connections).unwrap_or_default()
            }
            State::Shut | State::Recalling { .. } => Vec::new(),
        }
    }

    /// The elder is gone. All that it sent and that was not taken is this process's.
    #[must_use]
    pub fn end_of_file(self) -> Vec<C> {
        let batches = match self.state {
            State::Shut => Vec::new(),
            State::Recalling { before, .. } => before,
            State::Open { untold } => untold.into(),
        };
        batches.into_iter().flat_map(|batch| batch.connections).collect()
    }

    /// What was not told yet is recalled as well.
    fn recall(&mut self, then: Then) -> Message {
        self.turns += 1;
        let turn = Turn { reader: self.reader, number: self.turns };
        let recalling = State::Recalling { turn, before: Vec::new() };
        let before = match mem::replace(&mut self.state, recalling) {
            State::Shut => Vec::new(),
            State::Recalling { before, .. } => before,
            State::Open { untold } => untold.into(),
        };
        if let State::Recalling { before: kept, .. } = &mut self.state {
            *kept = before;
        }
        Message::Recall { turn, then }
    }
}
