//! What happens on a kept connection between two requests.

use std::time::Duration;

use rekindle_prove::{Cause, FailureKind, Group, Load, Mode, Phase, Plan, Request, Tally};

use crate::server::{Act, Server, faulty, until};

const CONNECTIONS: u64 = 6;
/// So long that no second request is sent while a test looks at the time after the first.
const LONG: Duration = Duration::from_secs(3600);

/// Clients that have each been answered once, and rest.
async fn resting(server: &Server, mode: Mode, pause: Duration) -> Load {
    let group = Group::new(mode, Request::get("/")).connections(CONNECTIONS as usize);
    let load = Plan::new(server.target.clone()).group(group.pause(pause)).start().unwrap();
    until(&load, |tally| tally.answered == CONNECTIONS).await;
    load
}

fn answered_and(tally: Tally) -> Tally {
    Tally { started: CONNECTIONS, answered: CONNECTIONS, ..tally }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_file_is_a_close_between_requests() {
    let think = Mode::Idle { mean_think: LONG };
    for (mode, pause) in [(Mode::Keep, LONG), (think, LONG)] {
        let server = Server::tcp(|_| Act::CloseIdle).await;
        let load = resting(&server, mode, pause).await;
        server.open_gate();
        until(&load, |tally| tally.closed_between_requests == CONNECTIONS).await;
        let outcome = load.stop().await;
        let closed = Tally { closed_between_requests: CONNECTIONS, ..Tally::default() };
        assert_eq!(outcome.tally, answered_and(closed));
        for failure in &outcome.failures {
            assert_eq!(failure.kind, FailureKind::ClosedBetweenRequests);
            assert_eq!((failure.phase, failure.cause), (Phase::Idle, Cause::EndOfFile));
            assert_eq!(failure.last_responder.unwrap().generation, 1);
        }
        assert_eq!(outcome.failures.len() as u64, CONNECTIONS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_unix_too() {
    let server = Server::unix(|_| Act::CloseIdle);
    let load = resting(&server, Mode::Keep, LONG).await;
    server.open_gate();
    until(&load, |tally| tally.closed_between_requests == CONNECTIONS).await;
    assert_eq!(load.stop().await.noticed, CONNECTIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_a_close_between_requests_too() {
    let server = Server::tcp(|_| Act::ResetIdle).await;
    let load = resting(&server, Mode::Keep, LONG).await;
    server.open_gate();
    until(&load, |tally| tally.closed_between_requests == CONNECTIONS).await;
    let outcome = load.stop().await;
    let closed = Tally { closed_between_requests: CONNECTIONS, ..Tally::default() };
    assert_eq!(outcome.tally, answered_and(closed));
    let is_reset = |cause| matches!(cause, Cause::System { .. });
    assert!(outcome.failures.iter().all(|failure| is_reset(failure.cause)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_nobody_asked_for() {
    let server = Server::tcp(|_| Act::Unsolicited).await;
    let load = resting(&server, Mode::Keep, LONG).await;
    server.open_gate();
    until(&load, |tally| tally.unsolicited == CONNECTIONS).await;
    let outcome = load.stop().await;
    let unsolicited = Tally { unsolicited: CONNECTIONS, ..Tally::default() };
    assert_eq!(outcome.tally, answered_and(unsolicited));
    assert_eq!(outcome.noticed, CONNECTIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_not_a_close_of_the_server() {
    let server = Server::tcp(|_| Act::Answer).await;
    let load = resting(&server, Mode::Idle { mean_think: LONG }, Duration::ZERO).await;
    let outcome = load.stop().await;
    assert_eq!(outcome.tally, answered_and(Tally::default()));
    assert!(outcome.elapsed < LONG);
}

/// On one thread the close comes with the answer, and not with the next request.
#[tokio::test(flavor = "current_thread")]
async fn a_client_goes_on_with_a_new_connection() {
    let server = Server::tcp(faulty(Act::AnswerAndClose, 4, 3)).await;
    let group = Group::new(Mode::Keep, Request::get("/")).requests(20);
    let plan = Plan::new(server.target.clone()).group(group.pause(Duration::from_millis(5)));
    let outcome = plan.start().unwrap().wait().await;
    let closed = Tally { closed_between_requests: 4, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 20, answered: 20, ..closed });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_under_saturation_is_counted_once_on_either_side_of_the_line() {
    let server = Server::tcp(faulty(Act::AnswerAndClose, 200, 3)).await;
    let group = Group::new(Mode::Keep, Request::post("/echo", 100)).connections(4).requests(400);
    let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
    let tally = outcome.tally;
    let crossed = tally.reset + tally.lost;
    assert_eq!(tally.closed_between_requests + crossed, 200, "{tally:?}");
    assert_eq!(tally.crossed, crossed);
    assert_eq!((tally.answered, tally.noticed()), (1_600 - crossed, 200));
}

/// On one thread the server answers and closes before the client can run again.
#[tokio::test(flavor = "current_thread")]
async fn no_request_is_sent_into_a_close_that_the_kernel_knows() {
    for server in
        [Server::tcp(|_| Act::AnswerAndClose).await, Server::unix(|_| Act::AnswerAndClose)]
    {
        let group = Group::new(Mode::Keep, Request::get("/")).requests(10);
        let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
        let closed = Tally { closed_between_requests: 10, ..Tally::default() };
        assert_eq!(outcome.tally, Tally { started: 10, answered: 10, ..closed });
    }
}
