//! Each fault under a request is counted by its own counter, exactly as often as it was done.

use std::time::Duration;

use rekindle_prove::{
    Cause, FailureKind, Group, Mode, Outcome, Phase, Plan, Request, Tally, WrongAnswer,
};

use crate::server::{Act, Server, faulty};

const COUNT: usize = 5;
const EVERY: usize = 3;
const REQUESTS: u64 = 30;
const N: u64 = COUNT as u64;

/// One client, 30 requests, a fault at every third one until it was done five times.
async fn outcome(mode: Mode, request: Request, act: Act) -> Outcome {
    let server = Server::tcp(faulty(act, COUNT, EVERY)).await;
    let outcome = Plan::new(server.target.clone())
        .group(Group::new(mode, request).requests(REQUESTS))
        // Only `Silence` should meet it.
        .request_limit(if act == Act::Silence { SHORT } else { LONG })
        .start()
        .unwrap()
        .wait()
        .await;
    assert_eq!(server.requests() as u64, REQUESTS, "nothing was sent twice");
    outcome
}

const SHORT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(60);

/// A tally of one kind of fault, and nothing else.
fn only(tally: Tally) -> Tally {
    let failed = Tally { announced_close: 0, ..tally }.noticed();
    Tally { started: REQUESTS, answered: REQUESTS - failed, ..tally }
}

fn get() -> Request {
    Request::get("/")
}

fn post() -> Request {
    Request::post("/echo", 16 * 1024)
}

/// All failures agree on this.
fn assert_failures(outcome: &Outcome, kind: FailureKind, phase: Phase, crossed: bool) {
    assert_eq!(outcome.failures.len(), COUNT);
    for failure in &outcome.failures {
        let found = (failure.kind, failure.phase, failure.crossed);
        assert_eq!(found, (kind, phase, crossed), "{failure:?}");
        assert!(failure.local_port.is_some() && failure.at <= outcome.elapsed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_on_a_kept_connection() {
    for request in [get(), post()] {
        let outcome = outcome(Mode::Keep, request, Act::Reset).await;
        assert_eq!(outcome.tally, only(Tally { reset: N, crossed: N, ..Tally::default() }));
        assert_failures(&outcome, FailureKind::Reset, Phase::Awaiting, true);
        assert_eq!(outcome.failures[0].answered_before, EVERY as u64 - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_on_a_new_connection_crosses_nothing() {
    let outcome = outcome(Mode::New, get(), Act::Reset).await;
    assert_eq!(outcome.tally, only(Tally { reset: N, ..Tally::default() }));
    assert_failures(&outcome, FailureKind::Reset, Phase::Awaiting, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_within_an_answer() {
    let outcome = outcome(Mode::Keep, get(), Act::HalfAnswerReset).await;
    assert_eq!(outcome.tally.reset, N);
    assert_eq!((outcome.tally.answered, outcome.tally.noticed()), (REQUESTS - N, N));
}

#[tokio::test(flavor = "multi_thread")]
async fn close_before_any_byte_of_the_answer() {
    let kept = outcome(Mode::Keep, post(), Act::CloseUnanswered).await;
    assert_eq!(kept.tally, only(Tally { lost: N, crossed: N, ..Tally::default() }));
    assert_failures(&kept, FailureKind::Lost, Phase::Awaiting, true);
    let new = outcome(Mode::New, get(), Act::CloseUnanswered).await;
    assert_eq!(new.tally, only(Tally { lost: N, ..Tally::default() }));
    assert_failures(&new, FailureKind::Lost, Phase::Awaiting, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer() {
    for (mode, request) in [(Mode::Keep, get()), (Mode::New, get()), (Mode::Keep, post())] {
        let outcome = outcome(mode, request, Act::HalfAnswer).await;
        assert_eq!(outcome.tally, only(Tally { lost: N, ..Tally::default() }), "{mode}");
        assert_failures(&outcome, FailureKind::Lost, Phase::Reading, false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time() {
    let outcome = outcome(Mode::Keep, get(), Act::Silence).await;
    assert_eq!(outcome.tally, only(Tally { timed_out: N, ..Tally::default() }));
    assert_failures(&outcome, FailureKind::TimedOut, Phase::Awaiting, false);
    assert!(outcome.failures.iter().all(|failure| failure.cause == Cause::TimeLimit));
    let bounds = SHORT * COUNT as u32..SHORT * 4 * COUNT as u32;
    assert!(bounds.contains(&outcome.elapsed), "{:?}", outcome.elapsed);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers() {
    let wrong = only(Tally { wrong: N, ..Tally::default() });
    let cases = [
        (post(), Act::WrongBody, WrongAnswer::Echo { offset: 16 * 1024 - 1 }),
        (post(), Act::ShortBody, WrongAnswer::EchoTooShort { length_bytes: 16 * 1024 - 1 }),
        (get(), Act::WrongStatus, WrongAnswer::Status { status: 503 }),
        (get(), Act::MalformedHead, WrongAnswer::Head),
        (get(), Act::TrailingBytes, WrongAnswer::ExtraBytes { count_bytes: 4 }),
    ];
    for mode in [Mode::Keep, Mode::New] {
        for (request, act, why) in cases.clone() {
            let outcome = outcome(mode, request, act).await;
            assert_eq!(outcome.tally, wrong, "{mode} {act:?}");
            let causes = outcome.failures.iter().map(|failure| failure.cause);
            assert!(causes.eq([Cause::Answer(why); COUNT]), "{:?}", outcome.failures);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_after_the_last_answer_are_wrong_however_late() {
    let outcome = outcome(Mode::New, get(), Act::LateBytes).await;
    assert_eq!(outcome.tally, only(Tally { wrong: N, ..Tally::default() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_close_is_counted_beside_its_answer() {
    for (act, request) in [(Act::AnnounceClose, post()), (Act::AnswerUntilClose, get())] {
        let outcome = outcome(Mode::Keep, request, act).await;
        assert_eq!(outcome.tally, only(Tally { announced_close: N, ..Tally::default() }));
        assert_eq!((outcome.noticed, outcome.failures.len()), (N, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_was_asked_for_is_no_announcement() {
    let outcome = outcome(Mode::New, get(), Act::AnnounceClose).await;
    assert_eq!(outcome.tally, only(Tally::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_close_when_asked_costs_time_and_nothing_else() {
    let server = Server::tcp(|_| Act::AnswerAndStay).await;
    let group = Group::new(Mode::New, get()).requests(1);
    let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
    assert_eq!(outcome.tally, Tally { started: 1, answered: 1, ..Tally::default() });
    assert!(outcome.elapsed >= Duration::from_secs(1), "it waited for the close");
    assert!(outcome.groups[0].latency.longest() < Duration::from_secs(1), "which is no latency");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_count_the_same_faults_once() {
    for act in [Act::Reset, Act::CloseUnanswered, Act::WrongStatus, Act::AnnounceClose] {
        let server = Server::tcp(faulty(act, 100, 7)).await;
        let mut plan = Plan::new(server.target.clone())
            .group(Group::new(Mode::Keep, post()).connections(16).requests(50));
        // A new connection asks for its close, so that none is announced to it.
        if act != Act::AnnounceClose {
            plan = plan.group(Group::new(Mode::New, get()).connections(4).requests(50));
        }
        let tally = plan.start().unwrap().wait().await.tally;
        let counted = match act {
            Act::Reset => tally.reset,
            Act::CloseUnanswered => tally.lost,
            Act::WrongStatus => tally.wrong,
            _ => tally.announced_close,
        };
        assert_eq!(counted, 100, "{act:?}");
        assert_eq!(tally.noticed(), 100, "{act:?} {tally:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_what_a_reader_needs() {
    let outcome = outcome(Mode::Keep, get(), Act::CloseUnanswered).await;
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["noticed"], N);
    assert_eq!(json["tally"]["lost"], N);
    assert_eq!(json["groups"][0]["request"], "GET /");
    assert_eq!(json["groups"][0]["latency"]["count"], REQUESTS - N);
    assert_eq!(json["failures"][0]["cause"], "end of file");
    assert_eq!(json["generations"][0]["generation"], 1);
    assert_eq!(json["generations"][0]["answered"], REQUESTS - N);
    assert!(json["longest_gap"]["length_us"].as_u64().unwrap() > 0);
}
