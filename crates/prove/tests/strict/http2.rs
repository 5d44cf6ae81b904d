//! HTTP/2: what happens to streams, and to the connection that they share.

use std::time::Duration;

use rekindle_prove::{
    Cause, FailureKind, Group, Mode, Outcome, Phase, Plan, Protocol, Request, Tally, Target,
    WrongAnswer,
};
use tokio::net::TcpListener;

use crate::http2_server::{Act, Allowed, Http2Server};
use crate::server::until;

const LONG: Duration = Duration::from_secs(3600);

fn group(streams: usize, request: Request) -> Group {
    Group::new(Mode::Keep, request).protocol(Protocol::Http2 { streams })
}

fn get(streams: usize) -> Group {
    group(streams, Request::get("/"))
}

fn plan(server: &Http2Server, group: Group) -> Plan {
    Plan::new(server.target.clone()).group(group)
}

async fn outcome(server: &Http2Server, group: Group) -> Outcome {
    plan(server, group).start().unwrap().wait().await
}

/// This fault at every third request until it was done five times, of thirty by one stream.
async fn faulty(act: Act) -> (Outcome, Http2Server) {
    let (outcome, server) = faulty_at_times(act).await;
    assert_eq!(server.requests(), 30, "nothing was sent twice");
    (outcome, server)
}

/// The same; not all that is sent need be read.
async fn faulty_at_times(act: Act) -> (Outcome, Http2Server) {
    let script = move |number: usize| {
        let is_due = (number + 1).is_multiple_of(3) && number < 15;
        if is_due { act } else { Act::Answer }
    };
    let server = Http2Server::new(script).await;
    let outcome = outcome(&server, get(1).requests(30)).await;
    (outcome, server)
}

fn only(tally: Tally) -> Tally {
    let failed = Tally { announced_close: 0, closed_between_requests: 0, ..tally }.noticed();
    Tally { started: 30, answered: 30 - failed, ..tally }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_share_their_connection_and_nothing_is_noticed() {
    let server = Http2Server::new(|_| Act::Answer).await;
    let plan = plan(&server, get(4).connections(2).requests(25))
        .group(group(3, Request::post("/echo", 100_000)).requests(10))
        .group(group(2, Request::post("/echo", 1)).requests(5));
    let outcome = plan.start().unwrap().wait().await;
    let tally = |requests| Tally { started: requests, answered: requests, ..Tally::default() };
    let found: Vec<_> = outcome.groups.iter().map(|group| group.tally).collect();
    assert_eq!(found, [tally(200), tally(30), tally(10)]);
    assert_eq!((server.connections(), server.requests()), (4, 240));
    assert!((2..=4).contains(&server.most_open()), "{}", server.most_open());
    assert_eq!(outcome.groups[0].latency.count(), 200);
    assert_eq!(outcome.generations.len(), 1, "{:?}", outcome.generations);
    assert_eq!(outcome.generations[0].responder.generation, 3);
    assert_eq!(outcome.failures, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_streams_are_open_than_the_server_allows() {
    let server = Http2Server::allowing(Allowed::Most(2), |_| Act::Hold).await;
    let load = plan(&server, get(8).requests(20)).start().unwrap();
    // The second begins when the settings have come, and does not wait for the first.
    until(&load, |_| server.requests() == 2).await;
    server.open_gate();
    let outcome = load.wait().await;
    assert_eq!(outcome.tally, Tally { started: 160, answered: 160, ..Tally::default() });
    assert_eq!((server.connections(), server.most_open()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_server_said_how_many_it_allows_one_stream_is_open() {
    let server = Http2Server::allowing(Allowed::NotSaid, |_| Act::Silence).await;
    let plan = plan(&server, get(8).requests(1)).request_limit(Duration::from_millis(300));
    let outcome = plan.start().unwrap().wait().await;
    assert_eq!(outcome.tally, Tally { started: 8, timed_out: 8, ..Tally::default() });
    assert_eq!((server.connections(), server.most_open()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_crosses_nothing_that_waits_for_its_turn() {
    let script = |number| if number == 0 { Act::Goodbye } else { Act::Answer };
    let server = Http2Server::allowing(Allowed::Most(1), script).await;
    let outcome = outcome(&server, get(8).requests(2)).await;
    let goodbye = Tally { announced_close: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 16, answered: 16, ..goodbye });
    assert_eq!((server.connections(), server.most_open()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_is_obeyed_and_counted_once() {
    let (outcome, server) = faulty(Act::Goodbye).await;
    assert_eq!(outcome.tally, only(Tally { announced_close: 5, ..Tally::default() }));
    assert_eq!((server.connections(), outcome.failures.len()), (6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_under_way_finish_after_a_goodbye() {
    let acts = [Act::Hold, Act::Hold, Act::Hold, Act::Goodbye];
    let server = Http2Server::new(move |number| *acts.get(number).unwrap_or(&Act::Answer)).await;
    let load = plan(&server, get(4).requests(2)).start().unwrap();
    // The fourth goes on with a new connection while three still wait.
    until(&load, |tally| tally.answered == 2).await;
    assert_eq!(server.connections(), 2);
    server.open_gate();
    let outcome = load.wait().await;
    let goodbye = Tally { announced_close: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 8, answered: 8, ..goodbye });
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_goodbye_crosses_is_told_apart() {
    let acts = [Act::Hold, Act::Silence, Act::Silence, Act::GoodbyeBefore];
    let server = Http2Server::new(move |number| *acts.get(number).unwrap_or(&Act::Answer)).await;
    // The goodbye names the streams before the fourth as processed: those two are silent until the
    // connection ends. The fourth alone has crossed it.
    let limit = Duration::from_millis(400);
    let load = plan(&server, get(4).requests(1)).request_limit(limit).start().unwrap();
    until(&load, |tally| tally.crossed == 1).await;
    server.open_gate();
    let outcome = load.wait().await;
    let expected =
        Tally { lost: 1, crossed: 1, timed_out: 2, announced_close: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 4, answered: 1, ..expected });
    let lost = outcome.failures.iter().find(|failure| failure.kind == FailureKind::Lost).unwrap();
    assert_eq!((lost.cause, lost.crossed), (Cause::NotProcessed, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_that_crosses_the_only_stream_is_counted_too() {
    let (outcome, server) = faulty(Act::GoodbyeBefore).await;
    let expected = Tally { lost: 5, crossed: 5, announced_close: 5, ..Tally::default() };
    assert_eq!(outcome.tally, only(expected));
    assert_eq!(server.connections(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_stream_has_crossed_and_its_connection_goes_on() {
    let (outcome, server) = faulty(Act::Refuse).await;
    assert_eq!(outcome.tally, only(Tally { reset: 5, crossed: 5, ..Tally::default() }));
    assert!(outcome.failures.iter().all(|failure| failure.cause == Cause::StreamRefused));
    assert_eq!(server.connections(), 1);
    assert_eq!(outcome.failures[4].answered_before, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_stream_is_counted_and_its_connection_goes_on() {
    let (outcome, server) = faulty(Act::Reset(2)).await;
    assert_eq!(outcome.tally, only(Tally { reset: 5, ..Tally::default() }));
    let cause = Cause::StreamReset { code: 2 };
    assert!(outcome.failures.iter().all(|failure| failure.cause == cause));
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_are_wrong_and_their_connection_goes_on() {
    let (outcome, server) = faulty(Act::WrongStatus).await;
    assert_eq!(outcome.tally, only(Tally { wrong: 5, ..Tally::default() }));
    let cause = Cause::Answer(WrongAnswer::Status { status: 404 });
    assert!(outcome.failures.iter().all(|failure| failure.cause == cause));
    assert_eq!(server.connections(), 1);
    let server = Http2Server::new(|_| Act::WrongBody).await;
    let echo = super::http2::outcome(&server, group(1, Request::post("/", 20)).requests(2)).await;
    assert_eq!(echo.tally, Tally { started: 2, wrong: 2, ..Tally::default() });
    assert_eq!(echo.failures[0].cause, Cause::Answer(WrongAnswer::Echo { offset: 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http2_is_wrong() {
    let (outcome, server) = faulty(Act::BreakRules).await;
    assert_eq!(outcome.tally, only(Tally { wrong: 5, ..Tally::default() }));
    let cause = Cause::Answer(WrongAnswer::Http2 { code: 1 });
    assert!(outcome.failures.iter().all(|failure| failure.cause == cause));
    assert_eq!(server.connections(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stream_of_a_connection_that_is_cut_is_lost() {
    let (one, server) = faulty(Act::Cut).await;
    assert_eq!(one.tally, only(Tally { lost: 5, crossed: 5, ..Tally::default() }));
    assert!(one.failures.iter().all(|failure| failure.phase == Phase::Awaiting));
    assert_eq!(server.connections(), 6);
    let acts = [Act::Silence, Act::Silence, Act::Silence, Act::Cut];
    let server = Http2Server::new(move |number| *acts.get(number).unwrap_or(&Act::Answer)).await;
    let four = outcome(&server, get(4).requests(2)).await;
    assert_eq!(four.tally, Tally { started: 8, answered: 4, lost: 4, ..Tally::default() });
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_lost() {
    let (outcome, _) = faulty(Act::Half).await;
    assert_eq!(outcome.tally, only(Tally { lost: 5, ..Tally::default() }));
    assert!(outcome.failures.iter().all(|failure| failure.phase == Phase::Reading));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_resets_its_streams() {
    let (outcome, _) = faulty(Act::CutByReset).await;
    assert_eq!(outcome.tally, only(Tally { reset: 5, crossed: 5, ..Tally::default() }));
    assert!(outcome.failures.iter().all(|it| matches!(it.cause, Cause::System { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time_and_its_connection_goes_on() {
    let server = Http2Server::new(|number| match number {
        1 | 3 => Act::Silence,
        _ => Act::Answer,
    })
    .await;
    let plan = plan(&server, get(1).requests(6)).request_limit(Duration::from_millis(300));
    let outcome = plan.start().unwrap().wait().await;
    let expected = Tally { started: 6, answered: 4, timed_out: 2, ..Tally::default() };
    assert_eq!(outcome.tally, expected);
    assert_eq!(server.connections(), 1);
}

/// All lanes have had an answer, and rest.
async fn resting(server: &Http2Server, act: Act) -> Outcome {
    let group = Group::new(Mode::Idle { mean_think: LONG }, Request::get("/"));
    let group = group.protocol(Protocol::Http2 { streams: 5 });
    let load = plan(server, group).start().unwrap();
    until(&load, |tally| tally.answered == 5).await;
    server.open_gate();
    match act {
        Act::CloseIdle => until(&load, |tally| tally.closed_between_requests > 0).await,
        _ => until(&load, |tally| tally.announced_close > 0).await,
    }
    load.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_between_requests_is_counted_once_for_all_lanes() {
    let server = Http2Server::new(|_| Act::CloseIdle).await;
    let outcome = resting(&server, Act::CloseIdle).await;
    let closed = Tally { closed_between_requests: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 5, answered: 5, ..closed });
    assert_eq!(outcome.failures[0].answered_before, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_between_requests_is_counted_once_for_all_lanes() {
    let server = Http2Server::new(|_| Act::GoodbyeIdle).await;
    let outcome = resting(&server, Act::GoodbyeIdle).await;
    let goodbye = Tally { announced_close: 1, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 5, answered: 5, ..goodbye });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_right_after_an_answer_is_counted_once_on_either_side_of_the_line() {
    let (outcome, server) = faulty_at_times(Act::AnswerAndClose).await;
    let tally = outcome.tally;
    let crossed = tally.reset + tally.lost;
    assert_eq!(server.requests() as u64, 30 - crossed, "nothing was sent twice");
    assert_eq!(tally.closed_between_requests + crossed, 5, "{tally:?}");
    assert_eq!((tally.crossed, tally.noticed()), (crossed, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_that_finds_nobody_is_refused() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    drop(listener);
    let load = Plan::new(target).group(get(4).requests(3)).start().unwrap();
    let outcome = load.wait().await;
    assert_eq!(outcome.tally, Tally { started: 12, refused: 12, ..Tally::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_and_slow_readers_speak_it_too() {
    let time = Duration::from_millis(300);
    let server = Http2Server::new(|_| Act::Answer).await;
    let upload = group(2, Request::post("/echo", 1_000)).upload_time(time).requests(1);
    let uploaded = outcome(&server, upload).await;
    assert_eq!(uploaded.noticed, 0, "{:?}", uploaded.failures);
    assert!(uploaded.groups[0].latency.shortest() >= time);
    let reader = group(1, Request::post("/echo", 15_000)).read_rate(50_000).requests(1);
    let read = outcome(&server, reader).await;
    assert_eq!(read.noticed, 0, "{:?}", read.failures);
    assert!(read.groups[0].latency.shortest() >= time * 8 / 10, "{:?}", read.groups[0].latency);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_of_all_streams_together() {
    let server = Http2Server::new(|_| Act::Answer).await;
    let outcome = outcome(&server, get(4).rate(200.0).requests(10)).await;
    assert_eq!(outcome.tally, Tally { started: 40, answered: 40, ..Tally::default() });
    assert!(outcome.elapsed >= Duration::from_millis(195), "{:?}", outcome.elapsed);
}

#[tokio::test]
async fn a_connection_a_request_is_no_way_to_speak_it() {
    let target = || Target::Tcp(([127, 0, 0, 1], 1).into());
    let new = Group::new(Mode::New, Request::get("/")).protocol(Protocol::Http2 { streams: 1 });
    for group in [new, get(0)] {
        let refused = Plan::new(target()).group(group).start().unwrap_err().to_string();
        assert!(refused.contains("group `0`"), "{refused}");
    }
}
