//! Connections that an old process sends: what is taken, when, and what is not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;

use rekindle::blocking::{HandedOver, Running, TcpListener as Listener};
use rekindle_core::{Message, MovedEntry, Receiver, Text, Then};
use tempfile::TempDir;

use crate::old::{Old, Rendezvous, builder, listener};

fn receiver(name: &str) -> Receiver {
    Receiver { name: name.parse().unwrap(), protocol: Text::from("program") }
}

fn entry(name: &str, state: &str) -> MovedEntry {
    MovedEntry { receiver: receiver(name), bytes: state.as_bytes().to_vec() }
}

/// Both ends of a connection: the client's and the server's.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// One connection of a batch of its own.
fn moved(old: &Old, batch: u64, server: &TcpStream, state: &str) {
    let entries = vec![entry("lines", state)];
    old.say_with(&Message::Moved { batch, entries }, &[server.as_fd()]);
}

fn taken(batch: u64, refused: &[u32]) -> Message {
    Message::Taken { batch, refused: refused.to_vec() }
}

/// A new process that asks for connections, and serves.
struct New {
    handed_over: HandedOver<TcpStream>,
    running: Running,
    _web: Listener,
    _directory: TempDir,
}

/// A new process with an old one that does this after it has heard that the new one serves.
fn new<T: Send + 'static>(
    play: impl FnOnce(Old) -> T + Send + 'static,
) -> (New, std::thread::JoinHandle<T>) {
    let rendezvous = Rendezvous::new();
    let path = rendezvous.path();
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let (directory, old) = rendezvous.play(move |mut old| {
        old.offer(&listener, &[]);
        let before = old.commit();
        assert_eq!(before, [Message::Takes { receivers: vec![receiver("lines")] }]);
        old.say(&Message::Heard);
        play(old)
    });
    let mut service = builder(&path).start_blocking().unwrap();
    let web = service.tcp("web", &address.to_string()).unwrap();
    let handed_over = service.handed_over("lines").unwrap();
    let running = service.ready().unwrap();
    (New { handed_over, running, _web: web, _directory: directory }, old)
}

impl New {
    /// The next connection answers with its state.
    fn answer(&self) {
        let (mut connection, state) = self.handed_over.next().expect("one comes");
        assert!(connection.peer().is_some());
        connection.write_all(&state).unwrap();
    }

    /// Stops it. Everything is done by then, and no more can come.
    fn stop(self) {
        self.running.stop();
        let report = self.running.drained();
        assert_eq!(report.cut, 0);
        assert!(self.handed_over.next().is_none());
    }
}

fn hear(client: &mut TcpStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_is_no_such_connection_is_refused_by_its_position() {
    let (mut client, server) = connection();
    let (new, old) = new(move |mut old| {
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (_client, other) = connection();
        let batch = [
            (entry("lines", ""), datagrams.as_fd()),
            (entry("lines", "hello"), server.as_fd()),
            (entry("lines", ""), listener.as_fd()),
            (entry("others", ""), other.as_fd()),
        ];
        let entries = batch.iter().map(|(entry, _)| entry.clone()).collect();
        let descriptors: Vec<_> = batch.iter().map(|(_, descriptor)| *descriptor).collect();
        old.say_with(&Message::Moved { batch: 0, entries }, &descriptors);
        old.hear()
    });
    new.answer();
    assert_eq!(old.join().unwrap(), taken(0, &[0, 2, 3]));
    assert_eq!(hear(&mut client), "hello");
    new.stop();
}

#[test]
fn what_an_old_process_sent_before_it_died_is_served() {
    let (mut client, server) = connection();
    let (new, old) = new(move |old| {
        moved(&old, 0, &server, "the last");
        drop(old);
    });
    old.join().unwrap();
    new.answer();
    assert_eq!(hear(&mut client), "the last");
    new.stop();
}

#[test]
fn after_a_frame_that_is_lost_nothing_is_taken_before_the_old_process_knows() {
    let (mut client, server) = connection();
    let (new, old) = new(move |mut old| {
        old.babble();
        // It may have been sent before the old process heard.
        moved(&old, 0, &server, "too early");
        let Message::Recall { turn, then: Then::Keep } = old.hear() else {
            panic!("it says that something is lost");
        };
        old.say(&Message::Recalled { turn });
        moved(&old, 1, &server, "in time");
        assert_eq!(old.hear(), taken(1, &[]));
        old
    });
    new.answer();
    drop(old.join().unwrap());
    assert_eq!(hear(&mut client), "in time");
    new.stop();
}

#[test]
fn a_program_that_does_not_look_any_more_takes_nothing() {
    let (New { handed_over, running, _web, _directory }, old) = new(move |mut old| {
        // It is there by the time that the program has stopped looking.
        let (_client, server) = connection();
        for batch in 0.. {
            moved(&old, batch, &server, "");
            if old.hear() == taken(batch, &[0]) {
                return old;
            }
        }
        old
    });
    drop(handed_over);
    drop(old.join().unwrap());
    running.stop();
    running.drained();
}

#[test]
fn a_program_that_does_not_look_from_the_beginning_asks_for_nothing() {
    let rendezvous = Rendezvous::new();
    let path = rendezvous.path();
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let (_directory, old) = rendezvous.play(move |mut old| {
        old.offer(&listener, &[]);
        old.commit()
    });
    let mut service = builder(&path).start_blocking().unwrap();
    let _web = service.tcp("web", &address.to_string()).unwrap();
    drop(service.handed_over::<TcpStream>("lines").unwrap());
    let running = service.ready().unwrap();
    assert_eq!(old.join().unwrap(), []);
    running.stop();
    running.drained();
}

#[test]
fn a_name_is_asked_for_once() {
    let rekindle_stub = rekindle::blocking::Service::builder().stub();
    let mut service = rekindle_stub.start_blocking().unwrap();
    let _first = service.handed_over::<TcpStream>("lines").unwrap();
    let error = service.handed_over::<TcpStream>("lines").unwrap_err();
    assert!(matches!(error, rekindle::ListenError::NameTaken { .. }), "{error}");
    let error = service.handed_over::<TcpStream>("").unwrap_err();
    assert!(matches!(error, rekindle::ListenError::Name(_)), "{error}");
}

#[test]
fn without_a_next_process_a_connection_comes_back() {
    let mut service = rekindle::blocking::Service::builder().stub().start_blocking().unwrap();
    let listener = service.tcp("web", "127.0.0.1:0").unwrap();
    let running = service.ready().unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for (name, refusal) in [
        ("lines", rekindle::MoveRefusal::NoSuccessor),
        ("no:name", rekindle::MoveRefusal::NotAskedFor),
    ] {
        let connection = listener.accept().unwrap();
        let peer = connection.peer();
        let error = connection.hand_over_blocking(name, "state").unwrap_err();
        assert_eq!((error.refusal, error.state.as_slice()), (refusal, &b"state"[..]));
        let mut back = error.connection.expect("it is as it was");
        assert_eq!((back.peer(), running.in_flight()), (peer, 1));
        back.write_all(b"still here").unwrap();
        drop(back);
        assert_eq!(hear(&mut client), "still here");
        client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    }
    running.stop();
}
