//! Numbered messages over WebSocket: each fault is counted once, in its own column.

use std::time::Duration;

use rekindle_prove::{
    Cause, FailureKind, Group, Load, Mode, Outcome, Phase, Plan, Protocol, Request, Tally,
    WrongAnswer,
};
use rustix::io::Errno;

use crate::server::until;
use crate::socket_server::{Greeting, SocketAct, SocketServer};

const LENGTH: usize = 64;
const REQUESTS: u64 = 30;
const N: u64 = 5;
const LONG: Duration = Duration::from_secs(3600);
/// The server goes away, and the server restarts (RFC 6455 §7.4.1 and its registry).
const AWAY: u16 = 1001;
const RESTART: u16 = 1012;

fn group(mode: Mode, length: usize) -> Group {
    Group::new(mode, Request::message("/ws", length)).protocol(Protocol::WebSocket)
}

/// This fault at every third message, until it was done five times.
fn faulty(act: SocketAct) -> impl Fn(usize) -> SocketAct + Send + Sync + 'static {
    move |number| match (number + 1).is_multiple_of(3) && number < 15 {
        true => act,
        false => SocketAct::Answer,
    }
}

async fn outcome(mode: Mode, act: SocketAct) -> Outcome {
    let server = SocketServer::start(Greeting::Accept, faulty(act)).await;
    let limit = if act == SocketAct::Silence { 300 } else { 10_000 };
    let plan = Plan::new(server.target.clone()).group(group(mode, LENGTH).requests(REQUESTS));
    let outcome = plan.request_limit(Duration::from_millis(limit)).start().unwrap().wait().await;
    assert_eq!(server.messages() as u64, REQUESTS, "nothing was sent twice");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noticed_where_nothing_is_wrong() {
    for (length, act) in [
        (16, SocketAct::Answer),
        (LENGTH, SocketAct::AnswerInFragments),
        (5_000, SocketAct::Answer),
        (3_000_000, SocketAct::Answer),
    ] {
        let server = SocketServer::start(Greeting::Accept, move |_| act).await;
        let mut plan = Plan::new(server.target.clone());
        let idle = Mode::Idle { mean_think: Duration::from_millis(2) };
        for mode in [Mode::New, Mode::Keep, idle] {
            plan = plan.group(group(mode, length).connections(3).requests(6));
        }
        let outcome = plan.start().unwrap().wait().await;
        let expected = Tally { started: 54, answered: 54, ..Tally::default() };
        assert_eq!(outcome.tally, expected, "{length} {:?}", outcome.failures);
        assert_eq!(server.goodbyes(), 18, "each connection of a message ends with a close frame");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_under_a_message() {
    let none = Tally::default();
    let wrong = |wrong: WrongAnswer| Cause::from(wrong);
    let byte = wrong(WrongAnswer::Echo { offset: LENGTH as u64 - 1 });
    let reset = Cause::System { errno: Errno::CONNRESET.raw_os_error() };
    let goodbye = Cause::Goodbye { code: RESTART };
    let (lost, away) = (Tally { lost: N, ..none }, SocketAct::CloseUnanswered(RESTART));
    let wronged = Tally { wrong: N, ..none };
    let cases = [
        (SocketAct::EndUnanswered, lost, Phase::Awaiting, Cause::EndOfFile),
        (SocketAct::Half, lost, Phase::Reading, Cause::EndOfFile),
        (away, lost, Phase::Awaiting, goodbye),
        (SocketAct::Reset, Tally { reset: N, ..none }, Phase::Awaiting, reset),
        (SocketAct::WrongByte, wronged, Phase::Reading, byte),
        (SocketAct::Text, wronged, Phase::Reading, wrong(WrongAnswer::Text)),
        (SocketAct::BadFrame, wronged, Phase::Reading, wrong(WrongAnswer::Frame)),
        (SocketAct::Silence, Tally { timed_out: N, ..none }, Phase::Awaiting, Cause::TimeLimit),
    ];
    for mode in [Mode::Keep, Mode::New] {
        for (act, counted, phase, cause) in cases {
            let outcome = outcome(mode, act).await;
            let is_crossing =
                mode == Mode::Keep && phase == Phase::Awaiting && counted.lost + counted.reset == N;
            let crossed = if is_crossing { N } else { 0 };
            let answered = REQUESTS - N;
            let expected = Tally { started: REQUESTS, answered, crossed, ..counted };
            assert_eq!(outcome.tally, expected, "{mode} {act:?} {:?}", outcome.failures);
            for failure in &outcome.failures {
                assert_eq!((failure.phase, failure.cause), (phase, cause), "{mode} {act:?}");
            }
        }
    }
}

/// On one thread all that the server says is there before the client can run again.
#[tokio::test(flavor = "current_thread")]
async fn what_follows_an_answer() {
    let none = Tally::default();
    let cases = [
        (SocketAct::Twice, Tally { unsolicited: N, ..none }, N as usize),
        (SocketAct::AnswerAndEnd, Tally { closed_between_requests: N, ..none }, N as usize),
        (SocketAct::AnswerAndClose(AWAY), Tally { announced_close: N, ..none }, 0),
        (SocketAct::AnswerAndClose(RESTART), Tally { announced_close: N, ..none }, 0),
    ];
    for (act, counted, failures) in cases {
        let outcome = outcome(Mode::Keep, act).await;
        let expected = Tally { started: REQUESTS, answered: REQUESTS, ..counted };
        assert_eq!(outcome.tally, expected, "{act:?} {:?}", outcome.failures);
        assert_eq!(outcome.failures.len(), failures, "{act:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_to_who_leaves_is_nothing() {
    let outcome = outcome(Mode::New, SocketAct::AnswerAndClose(AWAY)).await;
    assert_eq!(outcome.tally, Tally { started: REQUESTS, answered: REQUESTS, ..Tally::default() });
}

/// Clients that have each been answered once, and rest.
async fn resting(server: &SocketServer) -> Load {
    let group = group(Mode::Keep, LENGTH).connections(4).pause(LONG);
    let load = Plan::new(server.target.clone()).group(group).start().unwrap();
    until(&load, |tally| tally.answered == 4).await;
    load
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_frame_while_it_rests_is_an_announced_close() {
    let act = SocketAct::CloseIdle(RESTART);
    let server = SocketServer::start(Greeting::Accept, move |_| act).await;
    let load = resting(&server).await;
    server.open_gate();
    until(&load, |tally| tally.announced_close == 4).await;
    until(&load, |_| server.goodbyes() == 4).await;
    let outcome = load.stop().await;
    let announced = Tally { announced_close: 4, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: 4, answered: 4, ..announced });
    assert!(outcome.failures.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resting_client_answers_pings() {
    let server = SocketServer::start(Greeting::Accept, |_| SocketAct::Ping).await;
    let load = resting(&server).await;
    server.open_gate();
    until(&load, |_| server.pongs() == 4).await;
    let outcome = load.stop().await;
    assert_eq!(outcome.tally, Tally { started: 4, answered: 4, ..Tally::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_succeed() {
    let none = Tally::default();
    let reset = Cause::System { errno: Errno::CONNRESET.raw_os_error() };
    let status = WrongAnswer::Status { status: 503 };
    let cases = [
        (Greeting::Status(503), Tally { wrong: N, ..none }, FailureKind::Wrong, status.into()),
        (
            Greeting::Garbage,
            Tally { wrong: N, ..none },
            FailureKind::Wrong,
            WrongAnswer::Handshake.into(),
        ),
        (Greeting::End, Tally { lost: N, ..none }, FailureKind::Lost, Cause::EndOfFile),
        (Greeting::Reset, Tally { reset: N, ..none }, FailureKind::Reset, reset),
    ];
    for mode in [Mode::Keep, Mode::New] {
        for (greeting, counted, kind, cause) in cases {
            let server = SocketServer::start(greeting, |_| SocketAct::Answer).await;
            let plan = Plan::new(server.target.clone()).group(group(mode, LENGTH).requests(N));
            let outcome = plan.start().unwrap().wait().await;
            assert_eq!(outcome.tally, Tally { started: N, ..counted }, "{greeting:?}");
            for failure in &outcome.failures {
                let found = (failure.kind, failure.phase, failure.cause);
                assert_eq!(found, (kind, Phase::Handshaking, cause), "{greeting:?}");
                assert!(failure.local_port.is_some());
            }
        }
    }
}
