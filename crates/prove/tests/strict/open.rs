//! Open loops: requests are made when they are due, and no stall of the server hides.

use std::time::Duration;

use rekindle_prove::{FailureKind, Group, Mode, Plan, Request, Tally, Target};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::server::{Act, Server, honest, until};

const PAUSE: Duration = Duration::from_millis(100);

fn get(mode: Mode) -> Group {
    Group::new(mode, Request::get("/"))
}

/// Some 50 of 500 requests are due while nothing is answered, but only one a connection is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_the_server_shows_in_an_open_loop_and_hides_in_a_closed_one() {
    let server = Server::tcp(honest).await;
    let plan = Plan::new(server.target.clone())
        .duration(Duration::from_secs(1))
        .group(get(Mode::Keep).connections(4).rate(500.0))
        .group(get(Mode::Keep).connections(2));
    let load = plan.start().unwrap();
    // The pause may come at any time: here well within the load.
    sleep(Duration::from_millis(300)).await;
    server.pause(PAUSE);
    let outcome = load.wait().await;
    let [open, closed] = &outcome.groups[..] else { panic!("{outcome:?}") };
    assert!(closed.latency.count() > 400, "two of these are less than 1 %: {closed:?}");
    assert!(open.latency.longest() >= PAUSE * 9 / 10 && closed.latency.longest() >= PAUSE * 9 / 10);
    assert!(open.latency.percentile(99.0) >= PAUSE * 8 / 10, "{:?}", open.latency);
    assert!(open.latency.percentile(95.0) >= PAUSE * 4 / 10, "{:?}", open.latency);
    assert!(closed.latency.percentile(99.0) < PAUSE / 2, "{:?}", closed.latency);
    assert_eq!(outcome.noticed, 0, "slow is not wrong: {:?}", outcome.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_of_the_whole_group_and_kept_in_every_mode() {
    for mode in [Mode::Keep, Mode::New] {
        let server = Server::tcp(honest).await;
        let group = get(mode).connections(4).rate(200.0).requests(10);
        let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
        // The last of 40 is due after 39 of 200 parts of a second.
        assert!(outcome.elapsed >= Duration::from_millis(195), "{:?}", outcome.elapsed);
        assert_eq!(outcome.tally, Tally { started: 40, answered: 40, ..Tally::default() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_meanwhile_is_asked_as_soon_as_it_can_be() {
    let server = Server::tcp(honest).await;
    server.pause(Duration::from_millis(300));
    let group = get(Mode::Keep).rate(100.0).requests(20);
    let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
    // All twenty were due before the first was answered: the k-th 10 ms after the one before it.
    let latency = &outcome.groups[0].latency;
    assert!(latency.longest() >= Duration::from_millis(295), "{latency:?}");
    assert!(latency.shortest() >= Duration::from_millis(105), "{latency:?}");
    assert!(latency.percentile(50.0) >= Duration::from_millis(200), "{latency:?}");
    assert_eq!((latency.count(), outcome.noticed), (20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_and_not_asked_before_the_end_is_counted() {
    let server = Server::tcp(honest).await;
    server.pause(Duration::from_secs(2));
    let plan = Plan::new(server.target.clone()).duration(Duration::from_millis(300));
    let plan = plan.group(get(Mode::Keep).rate(100.0)).group(get(Mode::Keep));
    let outcome = plan.start().unwrap().wait().await;
    let [open, closed] = &outcome.groups[..] else { panic!("{outcome:?}") };
    assert_eq!((open.tally.started, open.due_not_started), (1, 29));
    assert_eq!((closed.tally.started, closed.due_not_started), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_is_asked_at_the_rate() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    drop(listener);
    let group = get(Mode::Keep).connections(2).rate(1_000.0).requests(100);
    let outcome = Plan::new(target).group(group).start().unwrap().wait().await;
    assert_eq!(outcome.tally, Tally { started: 200, refused: 200, ..Tally::default() });
    assert!(outcome.elapsed >= Duration::from_millis(199), "{:?}", outcome.elapsed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_waits_for_its_turn_is_looked_at() {
    let server = Server::tcp(|_| Act::CloseIdle).await;
    // The second request is due after a quarter of an hour.
    let group = get(Mode::Keep).connections(2).rate(0.001);
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    until(&load, |tally| tally.answered == 1).await;
    server.open_gate();
    until(&load, |tally| tally.closed_between_requests == 1).await;
    let outcome = load.stop().await;
    let closed = Tally { closed_between_requests: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 1, answered: 1, ..closed });
    assert_eq!(outcome.failures[0].kind, FailureKind::ClosedBetweenRequests);
    assert!(outcome.elapsed < Duration::from_secs(600), "stopping does not wait for a turn");
}
