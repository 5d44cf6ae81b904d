//! Numbered messages over TCP and TLS: each fault is counted once, in its own column.

use std::sync::Arc;
use std::time::Duration;

use rekindle_prove::{
    Cause, Endpoint, FailureKind, Group, Mode, Outcome, Phase, Plan, Protocol, Request, Tally,
    WrongAnswer,
};
use tokio_rustls::TlsAcceptor;

use crate::echo_server::{EchoAct, EchoServer};
use crate::server::until;
use crate::tls::Keys;

const LENGTH: usize = 64;
const REQUESTS: u64 = 30;
const N: u64 = 5;
const LONG: Duration = Duration::from_secs(3600);

fn group(mode: Mode, length: usize) -> Group {
    Group::new(mode, Request::message("/", length)).protocol(Protocol::Echo)
}

/// This fault at every third message, until it was done five times.
fn faulty(act: EchoAct) -> impl Fn(usize) -> EchoAct + Send + Sync + 'static {
    move |number| match (number + 1).is_multiple_of(3) && number < 15 {
        true => act,
        false => EchoAct::Answer,
    }
}

async fn outcome(mode: Mode, act: EchoAct) -> Outcome {
    let server = EchoServer::start(LENGTH, None, faulty(act)).await;
    let limit = if act == EchoAct::Silence { 300 } else { 10_000 };
    let plan = Plan::new(server.target.clone()).group(group(mode, LENGTH).requests(REQUESTS));
    let outcome = plan.request_limit(Duration::from_millis(limit)).start().unwrap().wait().await;
    assert_eq!(server.messages() as u64, REQUESTS, "nothing was sent twice");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noticed_where_nothing_is_wrong() {
    let keys = Keys::new();
    for length in [16, 5_000, 2_000_000] {
        for tls in [None, Some(TlsAcceptor::from(Arc::new(keys.server())))] {
            let is_secure = tls.is_some();
            let server = EchoServer::start(length, tls, |_| EchoAct::Answer).await;
            let endpoint = match is_secure {
                true => keys.endpoint(&server.target),
                false => Endpoint::new(server.target.clone()),
            };
            let mut plan = Plan::new(endpoint);
            let idle = Mode::Idle { mean_think: Duration::from_millis(2) };
            for mode in [Mode::New, Mode::Keep, idle] {
                plan = plan.group(group(mode, length).connections(3).requests(6));
            }
            let outcome = plan.start().unwrap().wait().await;
            let expected = Tally { started: 54, answered: 54, ..Tally::default() };
            assert_eq!(outcome.tally, expected, "{length} {:?}", outcome.failures);
            assert_eq!(outcome.groups[0].request, format!("message / ({length} bytes)"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_under_a_message() {
    let none = Tally::default();
    let extra = WrongAnswer::ExtraBytes { count_bytes: LENGTH };
    let byte = WrongAnswer::Echo { offset: LENGTH as u64 - 1 };
    let reset = Cause::System { errno: rustix::io::Errno::CONNRESET.raw_os_error() };
    let cases = [
        (EchoAct::CloseUnanswered, Tally { lost: N, ..none }, Phase::Awaiting, Cause::EndOfFile),
        (EchoAct::Half, Tally { lost: N, ..none }, Phase::Reading, Cause::EndOfFile),
        (EchoAct::Reset, Tally { reset: N, ..none }, Phase::Awaiting, reset),
        (EchoAct::WrongByte, Tally { wrong: N, ..none }, Phase::Reading, byte.into()),
        (EchoAct::Twice, Tally { wrong: N, ..none }, Phase::Reading, extra.into()),
        (EchoAct::Silence, Tally { timed_out: N, ..none }, Phase::Awaiting, Cause::TimeLimit),
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

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_it_rests() {
    let reset = Tally { closed_between_requests: 4, ..Tally::default() };
    let news = Tally { unsolicited: 4, ..Tally::default() };
    for (act, counted) in [(EchoAct::ResetIdle, reset), (EchoAct::Unsolicited, news)] {
        let server = EchoServer::start(LENGTH, None, move |_| act).await;
        let group = group(Mode::Keep, LENGTH).connections(4).pause(LONG);
        let load = Plan::new(server.target.clone()).group(group).start().unwrap();
        until(&load, |tally| tally.answered == 4).await;
        server.open_gate();
        until(&load, |tally| tally.noticed() == 4).await;
        let outcome = load.stop().await;
        assert_eq!(outcome.tally, Tally { started: 4, answered: 4, ..counted });
        assert!(outcome.failures.iter().all(|failure| failure.phase == Phase::Idle));
    }
}

/// On one thread the close comes with the answer, and not with the next message.
#[tokio::test(flavor = "current_thread")]
async fn a_bare_end_after_an_answer_is_a_close_between_requests() {
    let outcome = outcome(Mode::Keep, EchoAct::AnswerAndClose).await;
    let closed = Tally { closed_between_requests: N, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: REQUESTS, answered: REQUESTS, ..closed });
    let kinds = outcome.failures.iter().map(|failure| failure.kind);
    assert!(kinds.eq([FailureKind::ClosedBetweenRequests; N as usize]));
}
