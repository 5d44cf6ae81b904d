//! Old sides in every state, and everything that can happen to them, by name.

use std::time::Duration;

use rekindle_core::{
    Generation, Instant, Message, OldAction, OldEvent, OldSide, Receiver, SpawnFailure, Terms,
    Text, VersionRange,
};

pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(60);
pub(crate) const PROBATION: Duration = Duration::from_secs(10);
pub(crate) const TAKE_OVER: Duration = Duration::from_secs(5);
pub(crate) const EXIT_GRACE: Duration = Duration::from_secs(1);
pub(crate) const RETRY: Duration = Duration::from_millis(50);
pub(crate) const OFFERED: u32 = 3;

/// The states, as columns of the table.
pub(crate) const STATES: [&str; 12] = [
    "spawn",
    "retry",
    "greet",
    "start",
    "commit",
    "probation",
    "met",
    "metstart",
    "metcommit",
    "ending",
    "killed",
    "ended",
];

pub(crate) fn at(millis: u64) -> Instant {
    Instant::after_epoch(Duration::from_millis(millis))
}

pub(crate) const START: Instant = Instant::EPOCH;

pub(crate) fn terms() -> Terms {
    Terms {
        start_timeout: START_TIMEOUT,
        probation: PROBATION,
        versions: VersionRange::new(1, 2),
        old_pid: 100,
        old_generation: Generation::new(6),
        generation: Generation::new(7),
        offered: OFFERED,
    }
}

pub(crate) fn hello(version: u16) -> OldEvent {
    OldEvent::Message(Message::Hello {
        versions: VersionRange::new(version, version),
        pid: 200,
        build: Text::from("two"),
    })
}

pub(crate) fn ready(claimed: &[u32]) -> OldEvent {
    OldEvent::Message(Message::Ready { claimed: claimed.to_vec() })
}

pub(crate) fn http() -> Receiver {
    Receiver { name: "http".parse().expect("a good name"), protocol: Text::from("http/1.1") }
}

pub(crate) fn exited() -> OldEvent {
    OldEvent::Exited(Text::from("exited with status 3"))
}

pub(crate) fn busy() -> OldEvent {
    OldEvent::SpawnFailed(SpawnFailure::TextBusy(Text::from("text file busy")))
}

pub(crate) fn actions(side: &mut OldSide) -> Vec<OldAction> {
    std::iter::from_fn(|| side.poll_action()).collect()
}

/// A side to which all of this happened at once.
pub(crate) fn after(mut side: OldSide, events: impl IntoIterator<Item = OldEvent>) -> OldSide {
    for event in events {
        side.handle(START, event);
    }
    actions(&mut side);
    side
}

pub(crate) fn in_state(state: &str) -> OldSide {
    let serving = || OldEvent::Message(Message::Serving);
    let claim = || ready(&[0]);
    let spawn = |events: Vec<OldEvent>| after(OldSide::spawn(START, terms()), events);
    let meet = |events: Vec<OldEvent>| after(OldSide::met(START, terms()), events);
    let spawned = OldEvent::Spawned;
    match state {
        "spawn" => spawn(vec![]),
        "retry" => spawn(vec![busy()]),
        "greet" => spawn(vec![spawned]),
        "start" => spawn(vec![spawned, hello(1)]),
        "commit" => spawn(vec![spawned, hello(1), claim()]),
        "probation" => spawn(vec![spawned, hello(1), claim(), serving()]),
        "met" => meet(vec![]),
        "metstart" => meet(vec![hello(1)]),
        "metcommit" => meet(vec![hello(1), claim()]),
        "ending" => spawn(vec![spawned, hello(1), OldEvent::EndOfFile]),
        "killed" => spawn(vec![spawned, hello(1), OldEvent::Garbage(Text::from("?"))]),
        "ended" => spawn(vec![spawned, hello(1), exited()]),
        other => panic!("no state `{other}`"),
    }
}

pub(crate) fn happen(side: &mut OldSide, event: &str) {
    let message = OldEvent::Message;
    let event = match event {
        "spawned" => OldEvent::Spawned,
        "text-busy" => busy(),
        "not-started" => OldEvent::SpawnFailed(SpawnFailure::Final(Text::from("no such file"))),
        "hook-refused" => OldEvent::HookRefused(Text::from("not now")),
        "hello" => hello(1),
        "hello-v9" => hello(9),
        "ready" => ready(&[0, 2]),
        "ready-bad" => ready(&[0, OFFERED]),
        "failed" => message(Message::Failed { words: Text::from("no memory") }),
        "serving" => message(Message::Serving),
        "confirmed" => message(Message::Confirmed),
        "takes" => message(Message::Takes { receivers: vec![http()] }),
        "no-offer" => OldEvent::NoOffer(Text::from("no memory")),
        "other" => message(Message::Commit),
        "garbage" => OldEvent::Garbage(Text::from("not CBOR")),
        "end-of-file" => OldEvent::EndOfFile,
        "exited" => exited(),
        "cancel" => OldEvent::Cancel,
        "time" => {
            let due = side.poll_timeout().unwrap_or(START + Duration::MAX);
            return side.tick(due);
        }
        other => panic!("no event `{other}`"),
    };
    side.handle(START, event);
}
