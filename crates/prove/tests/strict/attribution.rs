//! Who answered, and when nobody did.

use std::time::Duration;

use rekindle_prove::{Answer, Group, Mode, Plan, Request, Responder};

use crate::server::{Act, Server, honest, until};

fn keep(request: Request) -> Group {
    Group::new(Mode::Keep, request).connections(4)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_generations_are_told_apart() {
    let server = Server::tcp(honest).await;
    let new = Group::new(Mode::New, Request::get("/"));
    let plan = Plan::new(server.target.clone());
    let plan = plan.group(keep(Request::get("/"))).group(keep(Request::post("/", 99))).group(new);
    let load = plan.start().unwrap();
    until(&load, |tally| tally.answered > 300).await;
    server.set_generation(2);
    let switched = load.snapshot().answered;
    until(&load, |tally| tally.answered > switched + 300).await;
    let outcome = load.stop().await;

    let [first, second] = outcome.generations.as_slice() else {
        panic!("{:?}", outcome.generations)
    };
    assert_eq!(first.responder, Responder { generation: 1, pid: Some(1_001) });
    assert_eq!(second.responder, Responder { generation: 2, pid: Some(1_002) });
    assert_eq!(first.answered + second.answered, outcome.tally.answered);
    assert!(first.answered >= 300 && second.answered >= 250, "{:?}", outcome.generations);
    assert!(first.first < first.last && first.first < second.first && first.last < second.last);
    assert_eq!(outcome.earlier_ended(2), Some(first.last));
    assert_eq!(outcome.earlier_ended(1), Some(Duration::ZERO));
    assert_eq!(outcome.earlier_ended(3), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_knows_who_answered_before() {
    // The second answer is of generation 5, the third request is lost.
    let server = Server::tcp(|number| match number {
        1 => Act::AnswerLate,
        2 => Act::CloseUnanswered,
        _ => Act::Answer,
    })
    .await;
    let plan = Plan::new(server.target.clone());
    let group = Group::new(Mode::Keep, Request::get("/"));
    let load = plan.group(group.requests(4)).start().unwrap();
    until(&load, |tally| tally.answered == 1).await;
    server.set_generation(5);
    server.open_gate();
    let outcome = load.wait().await;
    assert_eq!((outcome.tally.answered, outcome.tally.lost), (3, 1));
    let failure = &outcome.failures[0];
    assert_eq!(failure.last_responder, Some(Responder { generation: 5, pid: Some(1_005) }));
    assert_eq!((failure.newest_generation, failure.answered_before), (Some(5), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_way_to_recognise() {
    let server = Server::tcp(honest).await;
    let by_length = |answer: &Answer<'_>| {
        let generation = answer.body().len() as u64;
        Some(Responder { generation, pid: None })
    };
    let plan = Plan::new(server.target.clone()).group(keep(Request::get("/")).requests(5));
    let outcome = plan.recognise(by_length).start().unwrap().wait().await;
    let length = "pid 1001 generation 1".len() as u64;
    assert_eq!(outcome.generations[0].responder.generation, length);
    assert_eq!(outcome.generations[0].answered, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_the_server_is_the_longest_gap() {
    const PAUSE: Duration = Duration::from_millis(300);
    let server =
        Server::tcp(|number| if number < 200 { Act::Answer } else { Act::AnswerLate }).await;
    let group = Group::new(Mode::Keep, Request::get("/")).connections(4);
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    // All four wait at the gate.
    until(&load, |tally| tally.answered == 200 && tally.under_way() == 4).await;
    // The pause is what is measured.
    tokio::time::sleep(PAUSE).await;
    server.open_gate();
    until(&load, |tally| tally.answered > 400).await;
    let outcome = load.stop().await;
    assert_eq!(outcome.noticed, 0);
    let gap = outcome.longest_gap;
    assert!(gap.length >= PAUSE, "{gap:?}");
    assert!(gap.from > Duration::ZERO && gap.from + gap.length <= outcome.elapsed, "{gap:?}");
    assert!(outcome.groups[0].latency.longest() >= PAUSE);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_at_the_end_is_a_gap() {
    const PAUSE: Duration = Duration::from_millis(300);
    let server =
        Server::tcp(|number| if number == 0 { Act::Answer } else { Act::AnswerLate }).await;
    let group = Group::new(Mode::Keep, Request::get("/"));
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    until(&load, |tally| tally.answered == 1 && tally.under_way() == 1).await;
    // The pause is what is measured.
    tokio::time::sleep(PAUSE).await;
    let (outcome, ()) = tokio::join!(load.stop(), async { server.open_gate() });
    assert!(outcome.longest_gap.length >= PAUSE, "{:?}", outcome.longest_gap);
}
