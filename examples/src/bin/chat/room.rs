//! One room: what was said last, by number. Refuses to know who is in it.

use std::collections::VecDeque;

use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How far a member may be behind. It is behind while it moves, or if it does not read.
const RECENT_LIMIT_BYTES: usize = 512 * 1024;

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    /// The number of the next message.
    next: u64,
    /// The messages before it, as they are sent.
    recent: VecDeque<Utf8Bytes>,
    recent_bytes: usize,
    news: watch::Sender<u64>,
}

/// A member is so far behind that what it has not heard is forgotten.
#[derive(Debug, thiserror::Error)]
#[error("what was said since is more than {RECENT_LIMIT_BYTES} bytes")]
pub(crate) struct TooFarBehind;

impl Room {
    /// A room in which nothing was said.
    pub(crate) fn new() -> Self {
        Self::with(1, [])
    }

    /// A room whose messages go on with the number `next`, after these.
    pub(crate) fn with<'a>(next: u64, recent: impl IntoIterator<Item = &'a str>) -> Self {
        let recent: VecDeque<_> = recent.into_iter().map(Utf8Bytes::from).collect();
        let recent_bytes = recent.iter().map(|message| message.len()).sum();
        Self { next, recent, recent_bytes, news: watch::Sender::new(next) }
    }

    /// The number of the next message.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// The messages before it.
    pub(crate) const fn recent(&self) -> &VecDeque<Utf8Bytes> {
        &self.recent
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
            self.recent_bytes = 0;
        }
    }

    /// A message, which says the number that it is given.
    pub(crate) fn say(&mut self, message: impl FnOnce(u64) -> Utf8Bytes) {
        let message = message(self.next);
        self.recent_bytes += message.len();
        self.recent.push_back(message);
        while self.recent_bytes > RECENT_LIMIT_BYTES {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.len();
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

    impl PartialEq for Room {
        fn eq(&self, other: &Self) -> bool {
            (self.next, &self.recent) == (other.next, &other.recent)
        }
    }

    fn said(number: u64) -> Utf8Bytes {
        number.to_string().into()
    }

    #[test]
    fn messages_are_numbered_from_where_it_was() {
        let mut room = Room::with(7, []);
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
        let mut room = Room::new();
        let half = "x".repeat(RECENT_LIMIT_BYTES / 2);
        for _ in 0..3 {
            room.say(|_| half.as_str().into());
        }
        assert!(room.message(1).is_err());
        assert_eq!(room.message(2).unwrap(), Some(half.into()));
    }

    #[test]
    fn what_was_said_before_is_remembered_in_the_next_process_too() {
        let mut room = Room::with(9, ["seven", "eight"]);
        room.say(said);
        let [seven, eight, nine] = [7, 8, 9].map(|number| room.message(number).unwrap());
        assert_eq!([seven, eight, nine], ["seven", "eight", "9"].map(|it| Some(it.into())));
        assert!(room.message(6).is_err());
    }

    #[test]
    fn it_never_goes_back() {
        let mut room = Room::with(7, []);
        room.say(said);
        room.advance(8);
        assert_eq!(room.message(7).unwrap(), Some(said(7)));
        room.advance(10);
        assert_eq!((room.next(), room.message(10).unwrap()), (10, None));
        assert!(room.message(7).is_err());
    }
}
