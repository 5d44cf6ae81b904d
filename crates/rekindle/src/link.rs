//! A link: one channel with messages on it, and a bounded queue of those that wait to be sent.
//!
//! A full channel never blocks the driver: what does not fit waits here.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle_core::{Message, Text, decode, encode};
use rekindle_unix::{Channel, FrameBuffer, PeerCredentials, Received, SendError};
use tracing::{debug, warn};

/// The most frames that wait: an offer of the most listeners and elders, and some more.
const QUEUE_LIMIT: usize = 256;

/// How long to wait when the kernel takes no more descriptors in flight (`ETOOMANYREFS`), or has no
/// memory (`ENOBUFS`, `ENOMEM`): there is no event to wait for.
const RETRY: Duration = Duration::from_millis(5);

/// What came over a link.
#[derive(Debug)]
pub(crate) enum Arrival {
    Message(Message, Vec<OwnedFd>),
    Garbage(Text),
    EndOfFile,
    /// Nothing more for now.
    Nothing,
}

/// One end of a channel.
#[derive(Debug)]
pub(crate) struct Link {
    channel: Channel,
    queue: VecDeque<Parcel>,
    retry_at: Option<Instant>,
    /// Something that does not wait here found no room.
    turned_away: bool,
}

#[derive(Debug)]
struct Parcel {
    frame: Vec<u8>,
    descriptors: Vec<Arc<OwnedFd>>,
}

impl Link {
    pub(crate) const fn new(channel: Channel) -> Self {
        Self { channel, queue: VecDeque::new(), retry_at: None, turned_away: false }
    }

    /// The user and process at the other end, as of when the channel was made.
    pub(crate) fn peer(&self) -> std::io::Result<PeerCredentials> {
        self.channel.peer()
    }

    /// Sends a message without descriptors, now or as soon as it fits.
    pub(crate) fn post(&mut self, message: &Message) {
        self.post_with(message, Vec::new());
    }

    /// Sends a message with descriptors, now or as soon as it fits.
    pub(crate) fn post_with(&mut self, message: &Message, descriptors: Vec<Arc<OwnedFd>>) {
        debug_assert_eq!(message.descriptors(), descriptors.len());
        match encode(message) {
            Ok(_) if self.queue.len() >= QUEUE_LIMIT => {
                warn!(message = message.name(), "the channel is stuck: message dropped");
            }
            Ok(frame) => self.queue.push_back(Parcel { frame, descriptors }),
            // Names and texts are bounded and offers are cut into frames, so there is none.
            Err(error) => warn!(%error, "message dropped"),
        }
        self.flush();
    }

    /// Sends a message without descriptors after all that waits, if it need not wait itself. Says
    /// whether it is sent.
    pub(crate) fn post_now(&mut self, message: &Message) -> bool {
        self.flush();
        let Some(frame) = encode(message).ok().filter(|_| self.queue.is_empty()) else {
            return false;
        };
        match self.channel.send(&frame, &[]) {
            Ok(()) => true,
            Err(SendError::WouldBlock) => {
                self.turned_away = true;
                false
            }
            Err(SendError::Other { source }) => {
                debug!(error = %source, message = message.name(), "it is sent later");
                self.retry_later();
                false
            }
            // The end of file that follows says the rest.
            Err(error) => {
                debug!(%error, message = message.name(), "the channel is closed");
                false
            }
        }
    }

    fn retry_later(&mut self) {
        self.retry_at = Some(Instant::now() + RETRY);
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Forgets what waits to be sent.
    pub(crate) fn discard(&mut self) {
        self.queue.clear();
        self.retry_at = None;
    }

    /// Sends what waits, as far as it fits.
    pub(crate) fn flush(&mut self) {
        self.retry_at = None;
        self.turned_away = false;
        while let Some(parcel) = self.queue.front() {
            let descriptors: Vec<BorrowedFd<'_>> =
                parcel.descriptors.iter().map(AsFd::as_fd).collect();
            match self.channel.send(&parcel.frame, &descriptors) {
                Ok(()) => {
                    self.queue.pop_front();
                }
                Err(SendError::WouldBlock) => {
                    if !descriptors.is_empty() {
                        self.retry_later();
                    }
                    return;
                }
                // The system fails, and the other end lives: what was said to be sent must not be
                // lost without a word. Deadlines end what would wait for ever.
                Err(SendError::Other { source }) => {
                    debug!(error = %source, waiting = self.queue.len(), "it is sent later");
                    return self.retry_later();
                }
                // The end of file that follows says the rest.
                Err(error) => {
                    debug!(%error, waiting = self.queue.len(), "the channel is closed");
                    self.queue.clear();
                }
            }
        }
    }

    /// Whether something waits for room in the channel, rather than for its time.
    pub(crate) fn wants_room(&self) -> bool {
        (!self.queue.is_empty() || self.turned_away) && self.retry_at.is_none()
    }

    /// When to flush again, if it is not the room that is missing.
    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The next thing that came.
    pub(crate) fn receive(&self, buffer: &mut FrameBuffer) -> Arrival {
        match self.channel.receive(buffer) {
            Ok(Received::Frame { bytes, descriptors }) => match decode(bytes, descriptors.len()) {
                Ok(message) => Arrival::Message(message, descriptors),
                Err(error) => Arrival::Garbage(Text::of(error)),
            },
            Ok(Received::EndOfFile) => Arrival::EndOfFile,
            Ok(Received::WouldBlock) => Arrival::Nothing,
            Err(error) => Arrival::Garbage(Text::of(error)),
        }
    }

    /// The same end once more, to be passed on.
    pub(crate) fn duplicate(&self) -> std::io::Result<OwnedFd> {
        self.channel.as_fd().try_clone_to_owned()
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt;

    use super::*;

    fn pair() -> (Link, Link) {
        let (one, other) = Channel::pair().unwrap();
        (Link::new(one), Link::new(other))
    }

    /// A frame that takes some room.
    fn large() -> Message {
        Message::Ready { claimed: vec![u32::MAX; 5_000] }
    }

    #[test]
    fn what_cannot_wait_is_turned_away_and_wants_room() {
        let (mut link, other) = pair();
        let mut sent = 0;
        while link.post_now(&large()) {
            sent += 1;
        }
        assert!(link.is_idle(), "nothing waits");
        assert!(link.wants_room());
        let mut buffer = FrameBuffer::new();
        for _ in 0..sent {
            assert!(matches!(other.receive(&mut buffer), Arrival::Message(..)));
        }
        assert!(matches!(other.receive(&mut buffer), Arrival::Nothing));
        assert!(link.post_now(&Message::Serving));
        assert!(!link.wants_room());
    }

    #[test]
    fn what_cannot_wait_goes_after_what_does() {
        let (mut link, other) = pair();
        while link.is_idle() {
            link.post(&large());
        }
        assert!(!link.post_now(&Message::Serving), "something waits");
        let mut buffer = FrameBuffer::new();
        while matches!(other.receive(&mut buffer), Arrival::Message(..)) {}
        assert!(link.post_now(&Message::Serving));
        assert!(matches!(other.receive(&mut buffer), Arrival::Message(Message::Ready { .. }, _)));
        assert!(matches!(other.receive(&mut buffer), Arrival::Message(Message::Serving, _)));
    }

    #[test]
    fn nothing_is_left_of_what_is_forgotten() {
        let (mut link, _other) = pair();
        while link.is_idle() {
            link.post(&large());
        }
        let descriptor = Arc::new(OwnedFd::from(std::io::pipe().unwrap().0));
        link.post_with(&Message::Introduce { pid: 1 }, vec![Arc::clone(&descriptor)]);
        assert_eq!(Arc::strong_count(&descriptor), 2);
        link.discard();
        assert_eq!(Arc::strong_count(&descriptor), 1);
        assert!(link.is_idle() && link.retry_at().is_none());
    }

    /// A channel that takes no large frame fails in another way than by being full.
    #[test]
    fn what_the_system_refuses_to_send_is_sent_once_it_does_not() {
        let (mut link, other) = pair();
        let room = sockopt::socket_send_buffer_size(&link).unwrap() / 2;
        sockopt::set_socket_send_buffer_size(&link, 1).unwrap();
        assert!(!link.post_now(&large()));
        assert!(link.retry_at().is_some(), "there is no event to wait for");
        link.post(&large());
        link.post(&Message::Serving);
        assert!(link.retry_at().is_some() && !link.wants_room() && !link.is_idle());
        sockopt::set_socket_send_buffer_size(&link, room).unwrap();
        link.flush();
        assert!(link.is_idle() && link.retry_at().is_none());
        let mut buffer = FrameBuffer::new();
        assert!(matches!(other.receive(&mut buffer), Arrival::Message(Message::Ready { .. }, _)));
        assert!(matches!(other.receive(&mut buffer), Arrival::Message(Message::Serving, _)));
    }

    #[test]
    fn a_channel_without_another_end_takes_nothing_and_wants_nothing() {
        let (mut link, other) = pair();
        drop(other);
        assert!(!link.post_now(&Message::Serving));
        assert!(!link.wants_room());
    }
}
