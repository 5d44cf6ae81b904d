//! Bytes from the other end of a channel: whatever they are, nothing panics, what is a message
//! comes back as it went, and no machine is led astray by it in any of its states.
//!
//! The input is the number of descriptors, and then the frame.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rekindle_core::{
    Event, FRAME_LIMIT_BYTES, Generation, Instant, Intake, Life, ListenerEntry, Message,
    MovedEntry, Moves, NewEvent, NewSide, OldEvent, PROTOCOL, Receiver, Settings, SocketKind,
    Tally, Text, decode, encode,
};

/// More than any machine has to do for one message.
const ACTION_LIMIT: usize = 100;

/// How many connections move at once.
const CONNECTIONS: usize = 3;

fuzz_target!(|input: &[u8]| {
    let Some((&descriptors, frame)) = input.split_first() else {
        return;
    };
    match decode(frame, usize::from(descriptors)) {
        Ok(message) => {
            comes_back(&message, frame.len());
            is_taken_by_a_new_side(&NewEvent::Message(message.clone()));
            is_taken_by_a_life(&OldEvent::Message(message.clone()));
            is_taken_from_an_elder(&message);
            is_taken_by_moves(&message);
            is_taken_by_an_intake(&message);
        }
        Err(error) => {
            let words = Text::of(&error);
            is_taken_by_a_new_side(&NewEvent::Garbage(error));
            is_taken_by_a_life(&OldEvent::Garbage(words));
        }
    }
});

fn comes_back(message: &Message, length_bytes: usize) {
    match encode(message) {
        Ok(frame) => assert_eq!(decode(&frame, message.descriptors()).as_ref(), Ok(message)),
        // An array without a length can be a byte shorter than ours, which has one.
        Err(_) => assert_eq!(length_bytes, FRAME_LIMIT_BYTES, "it came in a frame"),
    }
}

/// What leads a new side from its first state to its last.
fn way_of_a_new_side() -> Vec<NewEvent> {
    let entry = ListenerEntry {
        name: "http".parse().expect("a good name"),
        kind: SocketKind::Tcp,
        requested: Text::from("127.0.0.1:0"),
        bound: Text::from("127.0.0.1:40211"),
        lent: false,
    };
    let welcome = Message::Welcome {
        version: 1,
        generation: Generation::new(2),
        old_pid: 1,
        old_generation: Generation::FIRST,
        start_timeout_ms: 60_000,
    };
    let entries = vec![entry];
    let end = Message::OfferEnd { listeners: 1, elders: 0, states: 0 };
    vec![
        NewEvent::Message(welcome),
        NewEvent::Message(Message::Listeners { entries }),
        NewEvent::Message(end),
        NewEvent::Ready { claimed: vec![0], takes: Vec::new() },
        NewEvent::Message(Message::Commit),
    ]
}

fn is_taken_by_a_new_side(event: &NewEvent) {
    let way = way_of_a_new_side();
    for length in 0..=way.len() {
        let patience = Duration::from_secs(60);
        let mut side = NewSide::new(Instant::EPOCH, PROTOCOL, 2, Text::from("fuzz"), patience);
        way[..length].iter().cloned().for_each(|event| side.handle(event));
        let served = side.is_serving();
        side.handle(event.clone());
        assert!(side.is_serving() || !served, "no message takes serving back");
        side.handle(NewEvent::OldDied);
        assert!(side.is_serving() || side.failure().is_some() || side.offer().is_some());
        assert!((0..ACTION_LIMIT).any(|_| side.poll_action().is_none()));
    }
}

/// What leads a life from its start to its leaving, by way of an upgrade.
fn way_of_a_life() -> Vec<Event> {
    let began = Event::Began {
        generation: Generation::FIRST,
        predecessor: None,
        elders: Vec::new(),
        listeners: 1,
    };
    let hello = Message::Hello { versions: PROTOCOL, pid: 2, build: Text::from("fuzz") };
    let message = |message| Event::Upgrade(OldEvent::Message(message));
    vec![
        began,
        Event::Upgrade(OldEvent::Spawned),
        message(hello),
        message(Message::Ready { claimed: vec![0] }),
        Event::InFlight(Tally::of(1)),
        message(Message::Serving),
        message(Message::Confirmed),
    ]
}

/// A life that went so far, with the upgrade asked for as soon as it serves.
fn life(length: usize) -> Life {
    let mut life = Life::new(Settings::default(), PROTOCOL, 1);
    for event in way_of_a_life().into_iter().take(length) {
        life.handle(Instant::EPOCH, event);
        let _refused_once_it_runs = life.upgrade(Instant::EPOCH);
    }
    life
}

fn is_taken_by_a_life(event: &OldEvent) {
    for length in 0..=way_of_a_life().len() {
        let mut life = life(length);
        life.handle(Instant::EPOCH, Event::Upgrade(event.clone()));
        ends_by_itself(life);
    }
}

fn is_taken_from_an_elder(message: &Message) {
    for length in 0..=way_of_a_life().len() {
        let mut life = life(length);
        let elder = Event::Elder(Generation::FIRST, message.clone());
        life.handle(Instant::EPOCH, elder);
        ends_by_itself(life);
    }
}

/// Whatever the newest process says of moves, each connection is settled once.
fn is_taken_by_moves(message: &Message) {
    let name = "http".parse().expect("a good name");
    let receiver = Receiver { name, protocol: Text::from("http/1.1") };
    let mut moves = Moves::new();
    moves.open(vec![receiver.clone()]);
    for connection in 0..CONNECTIONS {
        moves.hand_over(connection, MovedEntry { receiver: receiver.clone(), bytes: vec![1] });
    }
    let _sent = moves.poll_message();
    match message {
        Message::Taken { batch, refused } => moves.taken(*batch, refused),
        Message::Recall { turn, then } => moves.recall(*turn, *then),
        _ => {}
    }
    moves.close();
    let mut settled = 0;
    while moves.poll_action().is_some() {
        settled += 1;
    }
    assert_eq!(settled, CONNECTIONS);
}

/// Whatever an elder says of moves, nothing is taken that was not told.
fn is_taken_by_an_intake(message: &Message) {
    let mut intake = Intake::shut(Generation::FIRST);
    let _recall = intake.begin();
    match message {
        Message::Moved { batch, .. } => intake.moved(*batch, vec![0_u8], Vec::new()),
        Message::Recalled { turn } => intake.recalled(*turn),
        _ => {}
    }
    assert_eq!(intake.word(), None, "what came before the answer is not told");
    assert!(intake.told().is_empty());
}

/// Whatever it heard, the process can be stopped, and ends once its child is reaped.
fn ends_by_itself(mut life: Life) {
    life.stop(Instant::EPOCH);
    life.handle(Instant::EPOCH, Event::InFlight(Tally::of(0)));
    life.handle(Instant::EPOCH, Event::Upgrade(OldEvent::Exited(Text::from("exited"))));
    assert!((0..ACTION_LIMIT).any(|_| life.poll_action().is_none()));
    assert_eq!(life.poll_timeout(), None, "{life:?}");
}
