//! Lives in every state, and everything that can happen to them, by name.

use std::time::Duration;

use rekindle_core::{
    Action, ElderEntry, Event, Generation, Instant, Life, Message, OldEvent, Refusal, Settings,
    Tally, Text, VersionRange,
};

pub(crate) const START: Instant = Instant::EPOCH;

pub(crate) fn at(millis: u64) -> Instant {
    Instant::after_epoch(Duration::from_millis(millis))
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number)
}

pub(crate) fn elder(number: u64) -> ElderEntry {
    ElderEntry { generation: generation(number), pid: 100, in_flight: 2 }
}

pub(crate) fn began(number: u64, predecessor: Option<u64>, elders: &[u64]) -> Event {
    Event::Began {
        generation: generation(number),
        predecessor: predecessor.map(elder),
        elders: elders.iter().copied().map(elder).collect(),
        listeners: 3,
    }
}

pub(crate) fn message(message: Message) -> Event {
    Event::Upgrade(OldEvent::Message(message))
}

pub(crate) fn hello() -> Event {
    message(Message::Hello {
        versions: VersionRange::new(1, 1),
        pid: 200,
        build: Text::from("two"),
    })
}

pub(crate) fn ready() -> Event {
    message(Message::Ready { claimed: vec![0] })
}

pub(crate) fn exited() -> Event {
    Event::Upgrade(OldEvent::Exited(Text::from("exited with status 3")))
}

pub(crate) fn newborn(settings: Settings) -> Life {
    Life::new(settings, VersionRange::new(1, 1), 100)
}

pub(crate) fn actions(life: &mut Life) -> Vec<Action> {
    std::iter::from_fn(|| life.poll_action()).collect()
}

pub(crate) fn feed(life: &mut Life, events: impl IntoIterator<Item = Event>) {
    for event in events {
        life.handle(START, event);
    }
}

/// Generation 5, which took over from 4 and knows of 3.
pub(crate) fn serving() -> Life {
    let mut life = newborn(Settings::default());
    feed(&mut life, [began(5, Some(4), &[3])]);
    life
}

pub(crate) fn upgrading(events: impl IntoIterator<Item = Event>) -> Life {
    let mut life = serving();
    life.upgrade(START).expect("it serves");
    feed(&mut life, events);
    life
}

pub(crate) const STATES: [&str; 14] = [
    "starting",
    "serving",
    "spawning",
    "greeting",
    "waiting",
    "cleaning",
    "committing",
    "probation",
    "replaced",
    "gone",
    "stopping",
    "stopping-upgrade",
    "stopped",
    "hurried",
];

/// A life in that state, with two connections in flight wherever it drains.
pub(crate) fn in_state(state: &str) -> Life {
    let spawned = || Event::Upgrade(OldEvent::Spawned);
    let garbage = || Event::Upgrade(OldEvent::Garbage(Text::from("?")));
    let flight = |count| Event::InFlight(Tally::of(count));
    let says = |word: Message| message(word);
    let stop = |mut life: Life| {
        life.stop(START);
        life.handle(START, flight(2));
        life
    };
    let mut life = match state {
        "starting" => newborn(Settings::default()),
        "serving" => serving(),
        "spawning" => upgrading([]),
        "greeting" => upgrading([spawned()]),
        "waiting" => upgrading([spawned(), hello()]),
        "cleaning" => upgrading([spawned(), garbage()]),
        "committing" => upgrading([spawned(), hello(), ready(), flight(2)]),
        "probation" => upgrading([spawned(), hello(), ready(), flight(2), says(Message::Serving)]),
        "replaced" => upgrading([spawned(), hello(), ready(), flight(2), says(Message::Confirmed)]),
        "gone" => {
            let mut life = in_state("replaced");
            life.handle(START, flight(0));
            life
        }
        "stopping" => stop(serving()),
        "stopping-upgrade" => stop(upgrading([spawned(), hello()])),
        "stopped" => {
            let mut life = stop(serving());
            life.handle(START, flight(0));
            life
        }
        "hurried" => {
            let mut life = stop(serving());
            life.stop(START);
            life
        }
        other => panic!("no state `{other}`"),
    };
    actions(&mut life);
    life
}

pub(crate) const EVENTS: [&str; 15] = [
    "upgrade",
    "meet",
    "stop",
    "hammer",
    "began",
    "serving",
    "confirmed",
    "hammered",
    "garbage",
    "end-of-file",
    "exited",
    "elder",
    "elder-gone",
    "drained",
    "time",
];

/// What happens: the refusal, if the event is a request that is refused.
pub(crate) fn happen(life: &mut Life, event: &str) -> Result<(), Refusal> {
    let event = match event {
        "upgrade" => return life.upgrade(START),
        "meet" => return life.meet(START),
        "stop" => {
            life.stop(START);
            return Ok(());
        }
        "hammer" => return life.hammer(START).map(|told| assert!(told > 0)),
        "began" => began(9, None, &[]),
        "serving" => message(Message::Serving),
        "confirmed" => message(Message::Confirmed),
        "hammered" => message(Message::Hammer),
        "garbage" => Event::Upgrade(OldEvent::Garbage(Text::from("?"))),
        "end-of-file" => Event::Upgrade(OldEvent::EndOfFile),
        "exited" => exited(),
        "elder" => Event::Elder(generation(3), Message::InFlight { count: 9 }),
        "elder-gone" => Event::ElderGone(generation(3)),
        "drained" => Event::InFlight(Tally::of(0)),
        "time" => {
            life.tick(life.poll_timeout().unwrap_or(START + Duration::MAX));
            return Ok(());
        }
        other => panic!("no event `{other}`"),
    };
    life.handle(START, event);
    Ok(())
}
