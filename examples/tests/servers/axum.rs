//! The axum example: kept connections move, so there is nothing that a client could notice.

use std::collections::BTreeSet;

use rekindle_prove::Target;
use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::example::{Example, eventually};
use crate::http::{LONG_PROBATION, SHORT_PROBATION, pause_until, start_load};

const AXUM: &str = env!("CARGO_BIN_EXE_axum");

const UPGRADES: u64 = 5;

#[test]
fn is_replaced_and_nothing_at_all_is_noticed() {
    let mut example = Example::http(AXUM, SHORT_PROBATION);
    let runtime = Runtime::new().unwrap();
    let target = Target::Tcp(example.address());
    let load = runtime.block_on(async { start_load(target) });
    for upgrade in 1..=UPGRADES {
        let answered = load.snapshot().answered;
        eventually("the load goes on", || pause_until(load.snapshot().answered > answered + 50));
        example.upgrade();
        assert_eq!(example.generation(upgrade).exit_status(), 0);
    }
    let outcome = runtime.block_on(load.stop());
    for group in &outcome.groups {
        let name = format!("{} {}", group.mode, group.request);
        assert_eq!(group.tally.noticed(), 0, "{name}: {:?} {:#?}", group.tally, outcome.failures);
    }
    let generations: BTreeSet<_> =
        outcome.generations.iter().map(|one| one.responder.generation).collect();
    assert_eq!(generations, (1..=UPGRADES + 1).collect());
}

#[test]
fn a_connection_moves_between_two_requests_and_no_sooner() {
    let mut example = Example::http(AXUM, SHORT_PROBATION);
    let [mut slow, mut upload, mut kept, mut fresh, mut half] =
        [(); 5].map(|()| Client::connect(example.address()));
    for client in [&mut slow, &mut upload, &mut kept] {
        assert_eq!(client.get("/").generation(), 1);
    }
    half.send("GET / HTT");
    slow.send_get("/slow?ms=700");
    upload.begin_upload();
    example.upgrade();
    eventually("it has moved", || {
        let answer = kept.get("/");
        assert!(!answer.says_close());
        answer.generation() == 2
    });
    half.send("P/1.1\r\nHost: localhost\r\n\r\n");
    fresh.send_get("/");
    for client in [&mut half, &mut fresh] {
        let answer = client.answer();
        assert_eq!((answer.status, answer.says_close()), (200, false));
    }
    for answer in [upload.finish_upload(), slow.answer()] {
        assert_eq!((answer.status, answer.generation(), answer.says_close()), (200, 1, false));
    }
    assert_eq!(example.generation(1).exit_status(), 0);
    for client in [&mut slow, &mut upload, &mut kept, &mut fresh, &mut half] {
        assert_eq!(client.get("/").generation(), 2);
    }
}

#[test]
fn events_end_and_the_same_connection_is_sent_the_rest_by_the_next_process() {
    let mut example = Example::http(AXUM, SHORT_PROBATION);
    let mut client = Client::connect(example.address());
    client.send_get("/events");
    let mut events = vec![client.event()];
    example.upgrade();
    events.extend(std::iter::from_fn(|| client.next_event()));
    let last = events.last().unwrap().id;
    let all: Vec<u64> = (1..=last).collect();
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), all);
    assert!(events.iter().all(|event| event.data.ends_with("generation 1")));
    assert_eq!(example.generation(1).exit_status(), 0);
    client
        .send(&format!("GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n"));
    let next = client.event();
    assert_eq!(next.id, last + 1);
    assert!(next.data.ends_with("generation 2"), "{next:?}");
}

#[test]
fn resumes_if_its_successor_dies() {
    let mut example = Example::http(AXUM, LONG_PROBATION);
    example.upgrade();
    example.newest().signal(Signal::KILL);
    // A new connection waits in the queue until somebody accepts: that is the first one again.
    eventually("the first generation has resumed", || {
        Client::connect(example.address()).get("/").generation() == 1
    });
    let mut kept = Client::connect(example.address());
    for _ in 0..2 {
        let answer = kept.get("/");
        assert_eq!((answer.generation(), answer.says_close()), (1, false));
    }
}

#[test]
fn stops_and_finishes_first() {
    let example = Example::http(AXUM, &[]);
    let [mut upload, mut kept] = [(); 2].map(|()| Client::connect(example.address()));
    for client in [&mut upload, &mut kept] {
        assert_eq!(client.get("/").status, 200);
    }
    upload.begin_upload();
    example.newest().signal(Signal::TERM);
    // Nobody will serve it any more, so there is no reason to keep it.
    kept.assert_closed();
    let finished = upload.finish_upload();
    assert_eq!((finished.body.as_str(), finished.says_close()), ("hello", true));
    upload.assert_closed();
    assert_eq!(example.newest().exit_status(), 0);
    assert_eq!(example.pid_file(), None);
}
