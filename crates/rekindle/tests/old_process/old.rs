//! An old process at a rendezvous, which does what a test says.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rekindle_core::{Generation, ListenerEntry, Message, SocketKind, StateEntry, Text};
use rekindle_core::{decode, encode};
use rekindle_unix::{Channel, ChannelListener, FrameBuffer, Received};
use tempfile::TempDir;

/// Long enough to be no matter on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where an old process can be met.
pub(crate) struct Rendezvous {
    directory: TempDir,
    listener: ChannelListener,
}

/// The old process, in the words of the channel.
pub(crate) struct Old {
    channel: Channel,
    buffer: FrameBuffer,
}

impl Rendezvous {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = ChannelListener::bind(&directory.path().join("meet.sock")).unwrap();
        Self { directory, listener }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("meet.sock")
    }

    /// Lets an old process do this with whoever comes. The directory stays as long as the new
    /// process is there.
    pub(crate) fn play<T: Send + 'static>(
        self,
        play: impl FnOnce(Old) -> T + Send + 'static,
    ) -> (TempDir, thread::JoinHandle<T>) {
        let Self { directory, listener } = self;
        let old = thread::spawn(move || {
            let channel = loop {
                match listener.accept().unwrap() {
                    Some(channel) => break channel,
                    None => thread::yield_now(),
                }
            };
            // It is not in the offer, so the new process makes one of its own at the path.
            drop(listener);
            play(Old { channel, buffer: FrameBuffer::new() })
        });
        (directory, old)
    }
}

/// The settings of a new process that meets its old one there.
pub(crate) fn builder(path: &Path) -> rekindle::Builder {
    rekindle::blocking::Service::builder().rendezvous(path).drain_timeout(PATIENCE)
}

impl Old {
    pub(crate) fn say(&self, message: &Message) {
        self.say_with(message, &[]);
    }

    pub(crate) fn say_with(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) {
        self.channel.send(&encode(message).expect("it fits"), descriptors).expect("it is sent");
    }

    /// Sends what is no message.
    pub(crate) fn babble(&self) {
        self.channel.send(&[0xff, 0x00], &[]).expect("it is sent");
    }

    pub(crate) fn hear(&mut self) -> Message {
        loop {
            match self.channel.receive(&mut self.buffer).expect("a channel") {
                Received::Frame { bytes, descriptors } => {
                    return decode(bytes, descriptors.len()).expect("a message");
                }
                Received::WouldBlock => thread::yield_now(),
                Received::EndOfFile => panic!("the new process hung up"),
            }
        }
    }

    /// Offers a listener and states, and does not wait for an answer.
    pub(crate) fn offer(&mut self, listener: &TcpListener, states: &[(StateEntry, OwnedFd)]) {
        assert!(matches!(self.hear(), Message::Hello { .. }));
        self.say(&Message::Welcome {
            version: 1,
            generation: Generation::new(2),
            old_pid: std::process::id(),
            start_timeout_ms: 60_000,
            old_generation: Generation::FIRST,
        });
        let address = Text::of(listener.local_addr().expect("it is bound"));
        let entry = ListenerEntry {
            name: "web".parse().expect("a name"),
            kind: SocketKind::Tcp,
            requested: address.clone(),
            bound: address,
            lent: false,
        };
        self.say_with(&Message::Listeners { entries: vec![entry] }, &[listener.as_fd()]);
        if !states.is_empty() {
            let entries = states.iter().map(|(entry, _)| entry.clone()).collect();
            let files: Vec<_> = states.iter().map(|(_, file)| file.as_fd()).collect();
            self.say_with(&Message::States { entries }, &files);
        }
        let states = u32::try_from(states.len()).unwrap();
        self.say(&Message::OfferEnd { listeners: 1, elders: 0, states });
    }

    /// Lets the new process serve. Returns what it said before that it was ready.
    pub(crate) fn commit(&mut self) -> Vec<Message> {
        let mut before = Vec::new();
        loop {
            match self.hear() {
                Message::Ready { .. } => break,
                other => before.push(other),
            }
        }
        self.say(&Message::Commit);
        assert_eq!(self.hear(), Message::Serving);
        before
    }
}

/// A listener that is offered.
pub(crate) fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}
