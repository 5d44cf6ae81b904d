//! Moves, from the side that gives: established connections on their way to the newest process.
//!
//! ```text
//!   hand over               room in the window              taken
//!   ─────────► Waiting ─────────────────────────► Sent ──────────────► settled: gone for good
//!                 │  ▲                              │ │
//!                 │  └──────────────────────────────┘ │ refused, or closed: the newest process
//!                 │   recalled: another one reads     │ died before it took them
//!                 ▼ closed, or not asked for          ▼
//!                settled: given back, to be served on here
//! ```
//!
//! A connection is in one process's hands at any time. The newest process says [`Message::Taken`]
//! before it touches what came, and until then the old one keeps the descriptor: so whoever dies,
//! the other knows whether it may read. What is sent and not taken is bounded, since no request on
//! it is answered meanwhile. The side that takes is [`Intake`].

mod intake;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::{iter, mem};

pub use self::intake::Intake;
use crate::codec::FRAME_LIMIT_BYTES;
use crate::message::Message;
use crate::moved::{MOVE_LIMIT_BYTES, MoveRefusal, MovedEntry, Receiver};
use crate::offer::{DESCRIPTORS_PER_FRAME, LISTENER_LIMIT};
use crate::recall::{Then, Turn};

/// The most connections that are sent and not yet taken. The kernel bounds the descriptors that a
/// user has in flight by the limit on open files, which is often 1,024.
pub const MOVE_WINDOW: usize = 256;

/// The most receivers that a new process may ask for connections for.
pub const RECEIVER_LIMIT: usize = LISTENER_LIMIT;

/// How many of them go in a frame: each may have a name and a protocol of full length.
pub(crate) const RECEIVERS_PER_FRAME: usize = 48;

/// The most bytes of entries in a frame: the rest is room for what says that they are entries.
const ENTRIES_LIMIT_BYTES: usize = FRAME_LIMIT_BYTES - 32;

/// What has become of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum MoveAction<C> {
    /// It is the newest process's now.
    Gone(C),
    /// It is to be served on by this process, and why.
    GivenBack(C, MovedEntry, MoveRefusal),
    /// It was sent and not taken, and nobody waits for it any more: the newest process may yet
    /// take it, so that this one must not serve it.
    Lost(C),
}

/// The machine of all moves out of one process. `C` is whatever the driver holds a connection by.
#[derive(Debug)]
pub struct Moves<C> {
    state: State,
    waiting: VecDeque<Move<C>>,
    sent: VecDeque<Batch<C>>,
    next_batch: u64,
    moved: u64,
    recalled: Option<Turn>,
    answers: VecDeque<Answer<C>>,
    actions: VecDeque<MoveAction<C>>,
}

#[derive(Debug)]
enum State {
    /// Nobody is there who would take connections over.
    Closed,
    /// A newer process was told to serve, and has not said yet that it does.
    Expecting,
    /// The newest process takes over what it asked for.
    Open { receivers: Vec<Receiver> },
}

#[derive(Debug)]
struct Move<C> {
    connection: C,
    entry: MovedEntry,
}

impl<C> Move<C> {
    fn given_back(self, refusal: MoveRefusal) -> MoveAction<C> {
        MoveAction::GivenBack(self.connection, self.entry, refusal)
    }
}

#[derive(Debug)]
struct Batch<C> {
    number: u64,
    moves: Vec<Move<C>>,
}

/// What a recall is answered, and what stays here once that is said: who has not heard it may yet
/// take what came, if this process dies.
#[derive(Debug)]
struct Answer<C> {
    turn: Turn,
    kept: Vec<Move<C>>,
}

impl<C> Default for Moves<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Moves<C> {
    /// No moves yet, and nobody to move to.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Closed,
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
            next_batch: 0,
            moved: 0,
            recalled: None,
            answers: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// A newer process is to serve: what is given away waits until it does.
    pub fn expect(&mut self) {
        self.state = State::Expecting;
    }

    /// A newer process serves, and takes over connections for `receivers`.
    pub fn open(&mut self, receivers: Vec<Receiver>) {
        self.state = State::Open { receivers };
        for Move { connection, entry } in mem::take(&mut self.waiting) {
            self.hand_over(connection, entry);
        }
    }

    /// There is no newer process any more: what it has not taken is served on here.
    pub fn close(&mut self) {
        self.state = State::Closed;
        let kept = self.answers.drain(..).flat_map(|answer| answer.kept);
        let sent = self.sent.drain(..).flat_map(|batch| batch.moves);
        let back = kept.chain(sent).chain(self.waiting.drain(..));
        self.actions.extend(back.map(|it| it.given_back(MoveRefusal::NoSuccessor)));
    }

    /// Nothing is waited for any more: what was not sent is given back, the rest is lost to this
    /// process, whatever the newest one does.
    pub fn cut(&mut self) {
        self.state = State::Closed;
        let kept = self.answers.drain(..).flat_map(|answer| answer.kept);
        let sent = self.sent.drain(..).flat_map(|batch| batch.moves);
        self.actions.extend(kept.chain(sent).map(|it| MoveAction::Lost(it.connection)));
        self.close();
    }

    /// The program gives a connection away.
    pub fn hand_over(&mut self, connection: C, entry: MovedEntry) {
        let refusal = match &self.state {
            State::Closed => Some(MoveRefusal::NoSuccessor),
            State::Open { receivers } if !receivers.contains(&entry.receiver) => {
                Some(MoveRefusal::NotAskedFor)
            }
            State::Expecting | State::Open { .. } if entry.bytes.len() > MOVE_LIMIT_BYTES => {
                Some(MoveRefusal::TooLarge { length_bytes: entry.bytes.len() })
            }
            State::Expecting | State::Open { .. } => None,
        };
        let it = Move { connection, entry };
        match refusal {
            Some(refusal) => self.actions.push_back(it.given_back(refusal)),
            None => self.waiting.push_back(it),
        }
    }

    /// The newest process took a batch, but for those it refused, by position.
    pub fn taken(&mut self, number: u64, refused: &[u32]) {
        let Some(index) = self.sent.iter().position(|batch| batch.number == number) else {
            return;
        };
        let moves = self.sent.remove(index).map(|batch| batch.moves).unwrap_or_default();
        for (position, it) in (0u32..).zip(moves) {
            let action = if refused.contains(&position) {
                it.given_back(MoveRefusal::Refused)
            } else {
                self.moved += 1;
                MoveAction::Gone(it.connection)
            };
            self.actions.push_back(action);
        }
    }

    /// Whoever reads what was sent and not taken will not take it. The answer goes before anything
    /// that is sent again, so that its reader knows one from the other.
    pub fn recall(&mut self, turn: Turn, then: Then) {
        match self.state {
            State::Closed | State::Expecting => return,
            State::Open { .. } if self.recalled.replace(turn) == Some(turn) => return,
            State::Open { .. } => {}
        }
        let sent = mem::take(&mut self.sent).into_iter().flat_map(|batch| batch.moves);
        let kept = match then {
            Then::SendAgain => {
                let waiting = mem::take(&mut self.waiting);
                self.waiting = sent.chain(waiting).collect();
                Vec::new()
            }
            Then::Keep => sent.collect(),
        };
        self.answers.push_back(Answer { turn, kept });
    }

    /// What has become of the next connection that is settled.
    pub fn poll_action(&mut self) -> Option<MoveAction<C>> {
        self.actions.pop_front()
    }

    /// The next message to send, with the descriptors of the connections that [`Moves::batch`]
    /// gives. To be asked for only while nothing else waits to be sent, so that no more waits than
    /// this one.
    pub fn poll_message(&mut self) -> Option<Message> {
        let Some(Answer { turn, kept }) = self.answers.pop_front() else {
            return self.next_batch();
        };
        self.actions.extend(kept.into_iter().map(|it| it.given_back(MoveRefusal::Refused)));
        Some(Message::Recalled { turn })
    }

    /// The connections of a message, in the order of its entries.
    pub fn batch(&self, message: &Message) -> impl Iterator<Item = &C> {
        let number = if let Message::Moved { batch, .. } = message { Some(*batch) } else { None };
        let batch = self.sent.iter().find(move |batch| Some(batch.number) == number);
        batch.into_iter().flat_map(|batch| batch.moves.iter().map(|it| &it.connection))
    }

    /// How many newer processes have taken over.
    #[must_use]
    pub const fn moved(&self) -> u64 {
        self.moved
    }

    /// How many connections more it takes until it matters to be told of them: a few that follow
    /// others on their way would only wait here. One at least.
    #[must_use]
    pub fn wanted(&self) -> usize {
        if self.sent.is_empty() {
            return 1;
        }
        DESCRIPTORS_PER_FRAME.saturating_sub(self.waiting.len()).max(1)
    }

    /// The next batch that fits in the window and in a frame.
    fn next_batch(&mut self) -> Option<Message> {
        match self.state {
            State::Closed | State::Expecting => return None,
            State::Open { .. } => {}
        }
        // A batch costs both sides about as much as ten connections, so that a small one waits for
        // company while another is on its way. It never waits longer than that one takes.
        if !self.sent.is_empty() && self.waiting.len() < DESCRIPTORS_PER_FRAME {
            return None;
        }
        let sent: usize = self.sent.iter().map(|batch| batch.moves.len()).sum();
        let room = MOVE_WINDOW.saturating_sub(sent).min(DESCRIPTORS_PER_FRAME);
        let mut length_bytes = 0;
        let waiting = &mut self.waiting;
        let moves: Vec<_> = iter::from_fn(|| {
            length_bytes += waiting.front()?.entry.bound_bytes();
            (length_bytes <= ENTRIES_LIMIT_BYTES).then(|| waiting.pop_front())?
        })
        .take(room)
        .collect();
        if moves.is_empty() {
            return None;
        }
        let number = self.next_batch;
        self.next_batch += 1;
        let entries = moves.iter().map(|it| it.entry.clone()).collect();
        self.sent.push_back(Batch { number, moves });
        Some(Message::Moved { batch: number, entries })
    }
}
