//! A successor that was told to take over and is told, too late, that it shall not.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use rekindle::{Ending, Generation, Reason};
use rekindle_core::{ListenerEntry, Message, SocketKind, Text, decode, encode};
use rekindle_unix::{Channel, ChannelListener, FrameBuffer, Received};

/// Long enough to be no matter on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The old process, in the words of the channel.
struct Old {
    channel: Channel,
    buffer: FrameBuffer,
}

impl Old {
    fn say(&self, message: &Message, listeners: &[&TcpListener]) {
        let descriptors: Vec<_> = listeners.iter().map(|listener| listener.as_fd()).collect();
        self.channel.send(&encode(message).expect("it fits"), &descriptors).expect("it is sent");
    }

    fn hear(&mut self) -> Message {
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

    fn offer(&mut self, listener: &TcpListener) {
        assert!(matches!(self.hear(), Message::Hello { .. }));
        self.say(
            &Message::Welcome {
                version: 1,
                generation: Generation::new(2),
                old_pid: std::process::id(),
                start_timeout_ms: 60_000,
                old_generation: Generation::FIRST,
            },
            &[],
        );
        let address = Text::of(listener.local_addr().expect("it is bound"));
        let entry = ListenerEntry {
            name: "web".parse().expect("a name"),
            kind: SocketKind::Tcp,
            requested: address.clone(),
            bound: address,
            lent: false,
        };
        self.say(&Message::Listeners { entries: vec![entry] }, &[listener]);
        self.say(&Message::OfferEnd { listeners: 1, elders: 0, states: 0 }, &[]);
    }
}

#[test]
fn the_listeners_of_an_old_process_that_resumed_are_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("meet.sock");
    let rendezvous = ChannelListener::bind(&path).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();

    let old = thread::spawn({
        let listener = listener.try_clone().unwrap();
        move || {
            let channel = loop {
                match rendezvous.accept().unwrap() {
                    Some(channel) => break channel,
                    None => thread::yield_now(),
                }
            };
            // It is not in the offer, so the new process makes one of its own at the path.
            drop(rendezvous);
            let mut old = Old { channel, buffer: FrameBuffer::new() };
            old.offer(&listener);
            assert!(matches!(old.hear(), Message::Ready { .. }));
            old.say(&Message::Commit, &[]);
            assert_eq!(old.hear(), Message::Serving);
            let reason = Reason::TakeOverTimeout { timeout_ms: 5_000 };
            old.say(&Message::Refused { reason }, &[]);
            old
        }
    });

    let builder = rekindle::blocking::Service::builder().rendezvous(&path);
    let mut service = builder.drain_timeout(PATIENCE).start_blocking().unwrap();
    let web = service.tcp("web", &address.to_string()).unwrap();
    let running = service.ready().unwrap();
    assert!(web.accept().is_none(), "two must not serve");
    assert_eq!(running.drained().ending, Ending::Stopped);

    let _client = TcpStream::connect(address).expect("the listener is not shut down");
    listener.accept().expect("the old process accepts whoever comes");
    drop(old.join().unwrap());
}
