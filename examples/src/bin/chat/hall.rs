//! All rooms of this process, and whether it is this process that numbers what is said in them.
//!
//! ```text
//!            the book is open            replaced, or stopping           for good
//!   Waiting ──────────────────► Open ───────────────────────► Frozen ───────────────► Leaving
//!      ▲                                                        │
//!      └────────────────────────────────────────────────────────┘
//!                     the successor died: the book is to be opened again
//! ```
//!
//! In a frozen hall nothing is said any more, and the book of what was said is for the next process
//! to open. So each message has its number from one process, and a member that comes a little later
//! than others, or passes a generation over, only has to say which one it heard last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekindle::{Generation, Running};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tracing::{info, warn};

use crate::book::{Book, OpenBook};
use crate::member::{Heard, Member};
use crate::room::{Room, TooFarBehind};

/// The most rooms. None is forgotten: its numbers go on.
const ROOM_LIMIT: usize = 256;

/// The rooms. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Hall {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    generation: Generation,
    book: Book,
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<String, Room>,
    /// There as long as the hall is open.
    book: Option<OpenBook>,
}

/// What a member may do in the hall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Wait: another process may still number.
    Waiting,
    /// Speak and hear.
    Open,
    /// Go to the next process.
    Frozen,
    /// The same, and if that is not possible leave: this process will not open again.
    Leaving,
}

/// The hall has as many rooms as it can have.
#[derive(Debug, thiserror::Error)]
#[error("there are {ROOM_LIMIT} rooms already, and no more can be opened")]
pub(crate) struct TooManyRooms;

impl Hall {
    /// The hall of this process, which waits for the book.
    pub(crate) fn new(generation: Generation, book: Book) -> Self {
        let (state, phase) = (Mutex::default(), watch::Sender::new(Phase::Waiting));
        Self { inner: Arc::new(Inner { generation, book, state, phase }) }
    }

    /// Follows the life of this process until it serves no more, ever.
    pub(crate) async fn follow(&self, running: &Running) {
        loop {
            tokio::spawn(self.clone().open());
            running.draining().await;
            self.freeze();
            match running.resumed().await {
                Ok(()) => self.inner.phase.send_replace(Phase::Waiting),
                Err(_ending) => break,
            };
        }
        self.inner.phase.send_replace(Phase::Leaving);
    }

    /// What members may do, and its changes.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.inner.phase.subscribe()
    }

    /// Lets a member in, and returns what says when there is news for it.
    pub(crate) fn enter(&self, member: &mut Member) -> Result<watch::Receiver<u64>, TooManyRooms> {
        let rooms = &mut self.lock().rooms;
        if rooms.len() >= ROOM_LIMIT && !rooms.contains_key(&member.room) {
            return Err(TooManyRooms);
        }
        let room = rooms.entry(member.room.clone()).or_insert_with(Room::new);
        match member.heard {
            // Not before what it has heard already, should the book have been lost.
            Some(heard) => room.advance(heard + 1),
            None => member.heard = Some(room.next() - 1),
        }
        Ok(room.news())
    }

    /// Says what a member has to say. If the hall is not open, it stays unsaid.
    pub(crate) fn say(&self, member: &mut Member) {
        let mut state = self.lock();
        let State { rooms, book: Some(_) } = &mut *state else { return };
        let Some(room) = rooms.get_mut(&member.room) else { return };
        let Some(said) = member.unsaid.take() else { return };
        let generation = self.inner.generation.number();
        room.say(|number| {
            let heard = Heard { number, generation, from: &member.name, said: &said };
            let text = serde_json::to_string(&heard).expect("all of it can be said in JSON");
            Utf8Bytes::from(text)
        });
    }

    /// The next message that a member has not heard; it has then.
    pub(crate) fn next_for(&self, member: &mut Member) -> Result<Option<Utf8Bytes>, TooFarBehind> {
        let state = self.lock();
        let (Some(room), Some(heard)) = (state.rooms.get(&member.room), member.heard) else {
            return Ok(None);
        };
        let next = room.message(heard + 1)?;
        if next.is_some() {
            member.heard = Some(heard + 1);
        }
        Ok(next)
    }

    /// Opens it, as soon as no other process has the book.
    async fn open(self) {
        let mut book = match self.inner.book.open().await {
            Ok(book) => book,
            Err(error) => return warn!(%error, "the book of rooms cannot be opened"),
        };
        let rooms = book.read().unwrap_or_else(|error| {
            warn!(%error, "the book of rooms is lost: all rooms are new");
            Vec::new()
        });
        let mut state = self.lock();
        // If this process was replaced meanwhile, the book is for the next one.
        let opens = self.inner.phase.send_if_modified(|phase| {
            let opens = *phase == Phase::Waiting;
            if opens {
                *phase = Phase::Open;
            }
            opens
        });
        if opens {
            info!(rooms = rooms.len(), "the hall is open");
            for (name, room) in rooms {
                state.rooms.entry(name).or_insert(room);
            }
            state.book = Some(book);
        }
    }

    /// From here on nothing is said, and the next process can open the book.
    fn freeze(&self) {
        let mut state = self.lock();
        self.inner.phase.send_replace(Phase::Frozen);
        if let Some(book) = state.book.take()
            && let Err(error) = book.close(&state.rooms)
        {
            warn!(%error, "the book of rooms cannot be written");
        }
    }

    /// Nothing that is done under this lock can leave the rooms half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::two;
    use crate::member::Said;

    fn halls() -> [Hall; 2] {
        let [first, second] = two();
        [Hall::new(Generation::new(1), first), Hall::new(Generation::new(2), second)]
    }

    fn ann() -> Member {
        Member::new("garden".into(), "ann".into())
    }

    fn say(hall: &Hall, member: &mut Member, number: u64) {
        member.unsaid = Some(Said { number, text: "hello".into() });
        hall.say(member);
    }

    fn hear(hall: &Hall, member: &mut Member) -> Option<String> {
        hall.next_for(member).unwrap().map(|text| text.to_string())
    }

    fn heard(number: u64, generation: u64, said: u64) -> Option<String> {
        let said = format!(r#"{{"number":{said},"text":"hello"}}"#);
        let from = r#""from":"ann","said""#;
        Some(format!(r#"{{"number":{number},"generation":{generation},{from}:{said}}}"#))
    }

    #[tokio::test]
    async fn a_room_goes_on_in_the_next_process_where_it_was() {
        let [first, second] = halls();
        first.clone().open().await;
        let (mut ann, mut bob) = (ann(), ann());
        first.enter(&mut ann).unwrap();
        first.enter(&mut bob).unwrap();
        say(&first, &mut ann, 1);
        assert_eq!(hear(&first, &mut ann), heard(1, 1, 1));
        assert_eq!(hear(&first, &mut bob), heard(1, 1, 1));
        first.freeze();
        say(&first, &mut ann, 2);
        assert_eq!(hear(&first, &mut ann), None, "it is not said here any more");

        second.clone().open().await;
        second.enter(&mut ann).unwrap();
        second.say(&mut ann);
        say(&second, &mut ann, 3);
        assert_eq!(hear(&second, &mut ann), heard(2, 2, 2));
        second.enter(&mut bob).unwrap();
        assert_eq!(hear(&second, &mut bob), heard(2, 2, 2), "though it came later");
        for member in [&mut ann, &mut bob] {
            assert_eq!(hear(&second, member), heard(3, 2, 3));
            assert_eq!(hear(&second, member), None);
        }
    }

    #[tokio::test]
    async fn who_passes_a_generation_over_hears_what_was_said_there() {
        let [first, second] = halls();
        let third = Hall::new(Generation::new(3), second.inner.book.again());
        first.clone().open().await;
        let (mut ann, mut slow) = (ann(), ann());
        first.enter(&mut ann).unwrap();
        first.enter(&mut slow).unwrap();
        first.freeze();
        second.clone().open().await;
        second.enter(&mut ann).unwrap();
        say(&second, &mut ann, 1);
        second.freeze();
        third.clone().open().await;
        third.enter(&mut slow).unwrap();
        assert_eq!(hear(&third, &mut slow), heard(1, 2, 1));
    }

    #[tokio::test]
    async fn who_comes_in_hears_what_is_said_from_then_on() {
        let [hall, _] = halls();
        hall.clone().open().await;
        let (mut ann, mut late) = (ann(), ann());
        hall.enter(&mut ann).unwrap();
        say(&hall, &mut ann, 1);
        hall.enter(&mut late).unwrap();
        assert_eq!(hear(&hall, &mut late), None);
        say(&hall, &mut ann, 2);
        assert_eq!(hear(&hall, &mut late), heard(2, 1, 2));
    }

    #[tokio::test]
    async fn a_hall_that_was_replaced_before_it_opened_leaves_the_book_to_the_next_one() {
        let [first, second] = halls();
        first.freeze();
        first.clone().open().await;
        assert_eq!(*first.phase().borrow(), Phase::Frozen);
        second.clone().open().await;
        assert_eq!(*second.phase().borrow(), Phase::Open);
    }

    #[tokio::test]
    async fn a_hall_opens_again_if_its_successor_dies() {
        let [first, second] = halls();
        first.clone().open().await;
        let mut ann = ann();
        first.enter(&mut ann).unwrap();
        say(&first, &mut ann, 1);
        first.freeze();
        second.clone().open().await;
        drop(second);
        first.inner.phase.send_replace(Phase::Waiting);
        first.clone().open().await;
        say(&first, &mut ann, 2);
        assert_eq!(hear(&first, &mut ann), heard(1, 1, 1));
        assert_eq!(hear(&first, &mut ann), heard(2, 1, 2));
    }

    #[tokio::test]
    async fn there_is_a_limit_to_rooms() {
        let [hall, _] = halls();
        hall.clone().open().await;
        for room in 0..ROOM_LIMIT {
            hall.enter(&mut Member::new(room.to_string(), "ann".into())).unwrap();
        }
        assert!(hall.enter(&mut ann()).is_err());
        assert!(hall.enter(&mut Member::new("0".into(), "ann".into())).is_ok());
    }
}
