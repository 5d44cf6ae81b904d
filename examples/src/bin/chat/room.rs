//! One room: what was said last, by number. Refuses to know who is in it.

use std::collections::VecDeque;

use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How many messages a member may be behind.
const RECENT_LIMIT: usize = 1024;

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    /// The number of the next message.
    next: u64,
    /// The messages before it, as they are sent.
    recent: VecDeque<Utf8Bytes>,
    news: watch::Sender<u64>,
}

/// A member is so far behind that what it has not heard is forgotten.
#[derive(Debug, thiserror::Error)]
#[error("it is more than {RECENT_LIMIT} messages behind")]
pub(crate) struct TooFarBehind;

impl Room {
    /// A room whose messages go on with this number.
    pub(crate) fn new(next: u64) -> Self {
        Self { next, recent: VecDeque::new(), news: watch::Sender::new(next) }
    }

    /// The number of the next message.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Says when there are new messages.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Goes on with this number, unless it is further already.
    pub(crate) fn advance(&mut self, next: u64) {
        if self.next < next {
            self.next = next;
            self.recent.clear();
        }
    }

    /// A message, which says the number that it is given.
    pub(crate) fn say(&mut self, message: impl FnOnce(u64) -> Utf8Bytes) {
        self.recent.push_back(message(self.next));
        if self.recent.len() > RECENT_LIMIT {
            self.recent.pop_front();
        }
        self.next += 1;
        self.news.send_replace(self.next);
    }

    /// The message of a number, if there is one yet.
    pub(crate) fn message(&self, number: u64) -> Result<Option<Utf8Bytes>, TooFarBehind> {
        let first = self.next - self.recent.len() as u64;
        let index = number.checked_sub(first).ok_or(TooFarBehind)?;
        Ok(usize::try_from(index).ok().and_then(|index| self.recent.get(index)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(number: u64) -> Utf8Bytes {
        number.to_string().into()
    }

    #[test]
    fn messages_are_numbered_from_where_it_was() {
        let mut room = Room::new(7);
        assert_eq!(room.message(7).unwrap(), None);
        room.say(said);
        room.say(said);
        assert_eq!(room.message(7).unwrap(), Some(said(7)));
        assert_eq!(room.message(8).unwrap(), Some(said(8)));
        assert_eq!((room.message(9).unwrap(), room.next()), (None, 9));
        assert!(room.message(6).is_err());
    }

    #[test]
    fn only_the_last_messages_are_remembered() {
        let mut room = Room::new(1);
        for _ in 0..=RECENT_LIMIT {
            room.say(said);
        }
        assert!(room.message(1).is_err());
        assert_eq!(room.message(2).unwrap(), Some(said(2)));
    }

    #[test]
    fn it_never_goes_back() {
        let mut room = Room::new(7);
        room.say(said);
        room.advance(8);
        assert_eq!(room.message(7).unwrap(), Some(said(7)));
        room.advance(10);
        assert_eq!((room.next(), room.message(10).unwrap()), (10, None));
        assert!(room.message(7).is_err());
    }
}
