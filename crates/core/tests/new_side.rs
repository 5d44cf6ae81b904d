//! The new side of an upgrade as one table of events × states, and what the table cannot say.

use std::time::Duration;

use rekindle_core::{
    DecodeError, Generation, Greeting, Instant, LISTENER_LIMIT, ListenerEntry, Message, NewAction,
    NewEvent, NewFailure, NewSide, Offer, OfferError, Reason, Receiver, SocketKind, Text,
    VersionRange, encode,
};

const PATIENCE: Duration = Duration::from_secs(60);
const START: Instant = Instant::EPOCH;

/// The states, as columns of the table.
const STATES: [&str; 7] =
    ["greeting", "receiving", "initial", "orphan", "awaiting", "serving", "failed"];

/// What each event does in each state. `-` is nothing, `fail` is the end of the hope to take
/// over, `tell` is the same and the old side is told; else it is the state that follows.
const TABLE: &str = "
             greeting  receiving initial orphan  awaiting serving failed
welcome      receiving fail      fail    fail    fail     -       -
welcome-v9   fail      fail      fail    fail    fail     -       -
listeners    fail      -         fail    fail    fail     -       -
too-many     fail      fail      fail    fail    fail     -       -
elders       fail      -         fail    fail    fail     -       -
end          fail      initial   fail    fail    fail     -       -
end-of-more  fail      fail      fail    fail    fail     -       -
commit       fail      fail      fail    fail    serve    -       -
refused      fail      fail      fail    fail    fail     -       -
other        fail      fail      fail    fail    fail     -       -
garbage      fail      fail      fail    fail    fail     -       -
old-died     fail      fail      orphan  orphan  alone    -       -
old-hung-up  fail      fail      fail    fail    fail     -       -
ready        -         -         say     alone   -        -       -
give-up      tell      tell      tell    fail    -        -       -
time         fail      fail      -       -       -        -       -
";

fn entry(name: &str) -> ListenerEntry {
    ListenerEntry {
        name: name.parse().expect("a good name"),
        kind: SocketKind::Tcp,
        requested: Text::from("127.0.0.1:0"),
        bound: Text::from("127.0.0.1:40211"),
        lent: false,
    }
}

fn message(message: Message) -> NewEvent {
    NewEvent::Message(message)
}

fn welcome(version: u16) -> NewEvent {
    message(Message::Welcome {
        version,
        generation: Generation::new(7),
        old_pid: 100,
        start_timeout_ms: 1_500,
        old_generation: Generation::new(6),
    })
}

fn listeners(count: usize) -> NewEvent {
    let entries = (0..count).map(|index| entry(&format!("l{index}"))).collect();
    message(Message::Listeners { entries })
}

fn end(listeners: u32) -> NewEvent {
    message(Message::OfferEnd { listeners, elders: 0, states: 0 })
}

fn ready(claimed: &[u32]) -> NewEvent {
    NewEvent::Ready { claimed: claimed.to_vec(), takes: Vec::new() }
}

fn refused() -> NewEvent {
    message(Message::Refused { reason: Reason::Stopping })
}

fn begin() -> NewSide {
    NewSide::new(START, VersionRange::new(1, 2), 200, Text::from("two"), PATIENCE)
}

fn actions(side: &mut NewSide) -> Vec<NewAction> {
    std::iter::from_fn(|| side.poll_action()).collect()
}

fn after(events: impl IntoIterator<Item = NewEvent>) -> NewSide {
    let mut side = begin();
    for event in events {
        side.handle(event);
    }
    actions(&mut side);
    side
}

/// A side that has one listener of its offer as soon as it has any.
fn in_state(state: &str) -> NewSide {
    let whole = || vec![welcome(1), listeners(1), end(1)];
    let and = |more: Vec<NewEvent>| after(whole().into_iter().chain(more));
    let commit = || message(Message::Commit);
    match state {
        "greeting" => after([]),
        "receiving" => after([welcome(1), listeners(1)]),
        "initial" => after(whole()),
        "orphan" => and(vec![NewEvent::OldDied]),
        "awaiting" => and(vec![ready(&[0])]),
        "serving" => and(vec![ready(&[0]), commit()]),
        "failed" => and(vec![refused()]),
        other => panic!("no state `{other}`"),
    }
}

fn happen(side: &mut NewSide, event: &str) {
    let event = match event {
        "welcome" => welcome(2),
        "welcome-v9" => welcome(9),
        "listeners" => listeners(1),
        "too-many" => listeners(LISTENER_LIMIT),
        "elders" => message(Message::Elders { entries: vec![] }),
        "end" => end(1),
        "end-of-more" => end(2),
        "commit" => message(Message::Commit),
        "refused" => refused(),
        "other" => message(Message::Serving),
        "garbage" => NewEvent::Garbage(DecodeError::TooLong { length_bytes: 70_000 }),
        "old-died" => NewEvent::OldDied,
        "old-hung-up" => NewEvent::OldHungUp,
        "ready" => ready(&[0]),
        "give-up" => NewEvent::Fail(Text::from("no memory")),
        "time" => return side.tick(side.poll_timeout().unwrap_or(START + Duration::MAX)),
        other => panic!("no event `{other}`"),
    };
    side.handle(event);
}

/// What can be seen of a side: whether it failed, serves, has an offer, a greeting, a deadline.
type Sight = (bool, bool, bool, bool, bool);

fn sight(side: &NewSide) -> Sight {
    (
        side.failure().is_some(),
        side.is_serving(),
        side.offer().is_some(),
        side.greeting().is_some(),
        side.poll_timeout().is_some(),
    )
}

/// The table's word for what happened to a side that looked like `before`.
fn observe(side: &mut NewSide, event: &str, before: Sight) -> &'static str {
    let seen = actions(side);
    let failed_now = side.failure().is_some() && !before.0;
    match seen.as_slice() {
        [] if failed_now => "fail",
        [NewAction::Send(Message::Failed { .. })] if failed_now => "tell",
        // An orphan looks as before: that it goes on alone shows when it is ready.
        [] if event == "old-died" && side.offer().is_some() => {
            side.handle(ready(&[0]));
            assert_eq!(actions(side), [NewAction::ServeAlone]);
            "orphan"
        }
        [] if sight(side) == before => "-",
        [] if side.offer().is_some() => "initial",
        [] if side.greeting().is_some() => "receiving",
        [NewAction::Send(Message::Ready { claimed })] if *claimed == [0] => "say",
        [NewAction::Serve] if side.is_serving() => "serve",
        [NewAction::ServeAlone] if side.is_serving() => "alone",
        _ => panic!("no word for {seen:?} and {side:?}"),
    }
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    let mut lines = TABLE.lines().skip(1);
    let header: Vec<&str> = lines.next().expect("a header").split_whitespace().collect();
    assert_eq!(header, STATES);
    for line in lines {
        let mut words = line.split_whitespace();
        let event = words.next().expect("an event");
        let cells: Vec<&str> = words.collect();
        assert_eq!(cells.len(), STATES.len(), "cells of `{event}`");
        for (state, expected) in STATES.into_iter().zip(cells) {
            let mut side = in_state(state);
            let (before, failure) = (sight(&side), side.failure().cloned());
            happen(&mut side, event);
            assert_eq!(observe(&mut side, event, before), expected, "`{event}` in `{state}`");
            if failure.is_some() {
                assert_eq!(side.failure().cloned(), failure, "`{event}` changed the failure");
            }
        }
    }
}

#[test]
fn it_takes_over_when_it_is_told_to_and_not_before() {
    let mut side = begin();
    let hello =
        Message::Hello { versions: VersionRange::new(1, 2), pid: 200, build: Text::from("two") };
    assert_eq!(actions(&mut side), [NewAction::Send(hello)]);
    side.handle(welcome(2));
    let expected = Greeting {
        generation: Generation::new(7),
        old_pid: 100,
        old_generation: Generation::new(6),
        start_timeout: Duration::from_millis(1_500),
    };
    assert_eq!(side.greeting(), Some(expected));
    side.handle(listeners(2));
    assert_eq!(side.offer(), None, "half an offer is none");
    side.handle(end(2));
    let offer = Offer { listeners: vec![entry("l0"), entry("l1")], ..Offer::default() };
    assert_eq!(side.offer(), Some(&offer));
    side.handle(ready(&[1]));
    let ready = Message::Ready { claimed: vec![1] };
    assert_eq!(actions(&mut side), [NewAction::Send(ready)], "ready is not yet serving");
    assert!(!side.is_serving());
    side.handle(message(Message::Commit));
    assert_eq!(actions(&mut side), [NewAction::Serve]);
    assert!(side.is_serving());
    assert_eq!(side.greeting(), Some(expected));
}

#[test]
fn a_failure_says_its_cause() {
    let out_of_turn = NewFailure::OutOfTurn;
    let table = [
        ("greeting", "commit", out_of_turn("Commit")),
        ("initial", "welcome", out_of_turn("Welcome")),
        ("awaiting", "listeners", out_of_turn("Listeners")),
        ("greeting", "welcome-v9", NewFailure::Version(9)),
        ("greeting", "refused", NewFailure::Refused(Reason::Stopping)),
        ("awaiting", "refused", NewFailure::Refused(Reason::Stopping)),
        ("receiving", "too-many", NewFailure::Offer(OfferError::TooManyListeners)),
        ("receiving", "end-of-more", NewFailure::Offer(OfferError::NotWhole)),
        ("receiving", "old-died", NewFailure::OldDied),
        ("initial", "old-hung-up", NewFailure::OldHungUp),
        ("awaiting", "old-hung-up", NewFailure::OldHungUp),
        ("greeting", "time", NewFailure::Silent(PATIENCE)),
        ("initial", "give-up", NewFailure::GaveUp(Text::from("no memory"))),
        ("initial", "garbage", NewFailure::Garbage(DecodeError::TooLong { length_bytes: 70_000 })),
    ];
    for (state, event, failure) in table {
        let mut side = in_state(state);
        happen(&mut side, event);
        assert_eq!(side.failure(), Some(&failure), "`{event}` in `{state}`");
        assert_eq!(side.offer(), None, "who failed has nothing to serve with");
    }
}

#[test]
fn patience_is_for_the_whole_offer_and_ends_with_it() {
    let mut side = after([welcome(1)]);
    assert_eq!(side.poll_timeout(), Some(START + PATIENCE), "a welcome buys no more time");
    side.tick(START + (PATIENCE - Duration::from_millis(1)));
    assert_eq!(side.failure(), None);
    side.tick(START + PATIENCE);
    assert_eq!(side.failure(), Some(&NewFailure::Silent(PATIENCE)));
    assert_eq!(in_state("initial").poll_timeout(), None, "from here the old side watches");
}

#[test]
fn a_program_that_gives_up_tells_the_old_side_why() {
    for state in ["greeting", "receiving", "initial"] {
        let mut side = in_state(state);
        happen(&mut side, "give-up");
        let words = Text::from("no memory");
        assert_eq!(actions(&mut side), [NewAction::Send(Message::Failed { words })]);
    }
}

#[test]
fn it_says_what_it_takes_before_it_is_ready_in_as_many_frames_as_that_needs() {
    let receiver = |index: usize| Receiver {
        name: format!("{index}{}", "n".repeat(250)).parse().expect("a good name"),
        protocol: Text::from("p".repeat(2_000)),
    };
    let takes: Vec<_> = (0..100).map(receiver).collect();
    let mut side = after([welcome(1), listeners(1), end(1)]);
    side.handle(NewEvent::Ready { claimed: vec![0], takes: takes.clone() });
    let mut told = Vec::new();
    let mut seen = actions(&mut side).into_iter();
    for action in seen.by_ref() {
        let NewAction::Send(message) = action else { panic!("it only speaks") };
        assert!(encode(&message).is_ok(), "it fits in a frame");
        match message {
            Message::Takes { receivers } => told.extend(receivers),
            Message::Ready { .. } => break,
            other => panic!("`{}` is out of place", other.name()),
        }
    }
    assert_eq!(told, takes);
    assert_eq!(seen.next(), None);
}
