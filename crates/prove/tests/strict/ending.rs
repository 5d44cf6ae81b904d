//! How a load ends: what is under way is finished, and our own end is nobody's failure.

use std::time::Duration;

use rekindle_prove::{Group, Mode, Plan, Request, Tally};

use crate::server::{Act, Server, honest, until};

const CONNECTIONS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_is_under_way() {
    for mode in [Mode::Keep, Mode::New] {
        let server = Server::tcp(|_| Act::AnswerLate).await;
        let group = Group::new(mode, Request::post("/", 5_000)).connections(CONNECTIONS as usize);
        let load = Plan::new(server.target.clone()).group(group).start().unwrap();
        until(&load, |tally| tally.under_way() == CONNECTIONS).await;
        let mut stopping = std::pin::pin!(load.stop());
        tokio::select! {
            biased;
            _ = &mut stopping => panic!("nothing is answered yet"),
            () = std::future::ready(()) => server.open_gate(),
        }
        let outcome = stopping.await;
        let all = Tally { started: CONNECTIONS, answered: CONNECTIONS, ..Tally::default() };
        assert_eq!(outcome.tally, all, "no further request, and none lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_under_full_load_is_not_noticed() {
    for server in [Server::tcp(honest).await, Server::unix(honest)] {
        let plan = Plan::new(server.target.clone())
            .group(Group::new(Mode::Keep, Request::post("/", 20_000)).connections(8))
            .group(Group::new(Mode::New, Request::get("/")).connections(8));
        let load = plan.start().unwrap();
        until(&load, |tally| tally.answered > 200).await;
        let outcome = load.stop().await;
        assert_eq!(outcome.noticed, 0, "{:?}", outcome.failures);
        assert_eq!(outcome.tally.started, outcome.tally.answered);
        assert_eq!(server.requests() as u64, outcome.tally.answered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duration_ends_a_load() {
    let server = Server::tcp(honest).await;
    let duration = Duration::from_millis(200);
    let group = Group::new(Mode::Keep, Request::get("/"));
    let thinking =
        Group::new(Mode::Idle { mean_think: Duration::from_secs(3600) }, Request::get("/"));
    let plan = Plan::new(server.target.clone()).group(group).group(thinking).duration(duration);
    let load = plan.start().unwrap();
    assert!(!load.is_finished());
    let outcome = load.wait().await;
    assert!(outcome.elapsed >= duration && outcome.elapsed < duration * 50);
    assert!(outcome.tally.answered > 10);
    assert_eq!(outcome.noticed, 0, "{:?}", outcome.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_finished_when_all_requests_are_made() {
    let server = Server::tcp(honest).await;
    let group = Group::new(Mode::Keep, Request::get("/")).connections(3).requests(4);
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    until(&load, |tally| tally.answered == 12).await;
    while !load.is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(load.stop().await.tally.started, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_load_leaves_in_order() {
    let server = Server::tcp(|_| Act::AnswerLate).await;
    let group = Group::new(Mode::Keep, Request::get("/")).connections(CONNECTIONS as usize);
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    until(&load, |_| server.requests() as u64 == CONNECTIONS).await;
    drop(load);
    server.open_gate();
    // Each request under way is still answered, and each connection ends between two requests.
    while (server.left() as u64) < CONNECTIONS {
        // The server tells nobody: it is asked again.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.requests() as u64, CONNECTIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_limits_the_rate() {
    let server = Server::tcp(honest).await;
    let pause = Duration::from_millis(20);
    let group = Group::new(Mode::Keep, Request::get("/")).requests(6).pause(pause);
    let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
    assert!(outcome.elapsed >= pause * 5, "{:?}", outcome.elapsed);
}
