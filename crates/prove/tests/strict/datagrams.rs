//! Numbered messages over UDP: each that does not come back as it was sent is counted once.

use std::time::Duration;

use rekindle_prove::{
    Cause, FailureKind, Group, Mode, Outcome, Phase, Plan, Protocol, Request, Tally, Target,
    WrongAnswer,
};
use rustix::io::Errno;
use tokio::net::UdpSocket;

use crate::datagram_server::{DatagramAct, DatagramServer};

const LENGTH: usize = 64;
const REQUESTS: u64 = 30;
const N: u64 = 5;

fn group(mode: Mode, length: usize) -> Group {
    Group::new(mode, Request::message("/", length)).protocol(Protocol::Datagrams)
}

/// This fault at every third datagram, until it was done five times.
fn faulty(act: DatagramAct) -> impl Fn(usize) -> DatagramAct + Send + Sync + 'static {
    move |number| match (number + 1).is_multiple_of(3) && number < 15 {
        true => act,
        false => DatagramAct::Answer,
    }
}

async fn outcome(mode: Mode, act: DatagramAct) -> Outcome {
    let server = DatagramServer::start(faulty(act)).await;
    let limit = match act {
        DatagramAct::Drop | DatagramAct::Late => 200,
        _ => 10_000,
    };
    let plan = Plan::new(server.target.clone()).group(group(mode, LENGTH).requests(REQUESTS));
    let outcome = plan.request_limit(Duration::from_millis(limit)).start().unwrap().wait().await;
    assert_eq!(server.received() as u64, REQUESTS, "nothing was sent twice");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noticed_where_nothing_is_wrong() {
    for length in [16, 1_200, 65_507] {
        let server = DatagramServer::start(|_| DatagramAct::Answer).await;
        let mut plan = Plan::new(server.target.clone());
        let idle = Mode::Idle { mean_think: Duration::from_millis(2) };
        for mode in [Mode::New, Mode::Keep, idle] {
            plan = plan.group(group(mode, length).requests(20));
        }
        let outcome = plan.start().unwrap().wait().await;
        let expected = Tally { started: 60, answered: 60, ..Tally::default() };
        assert_eq!(outcome.tally, expected, "{length} {:?}", outcome.failures);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_under_a_datagram() {
    let none = Tally::default();
    let byte = WrongAnswer::Echo { offset: LENGTH as u64 - 1 };
    let number = WrongAnswer::Echo { offset: 0 };
    let short = WrongAnswer::EchoTooShort { length_bytes: LENGTH as u64 - 1 };
    let time = Cause::TimeLimit;
    let cases = [
        (DatagramAct::Drop, Tally { timed_out: N, ..none }, Phase::Awaiting, time),
        (DatagramAct::WrongByte, Tally { wrong: N, ..none }, Phase::Reading, byte.into()),
        (DatagramAct::Short, Tally { wrong: N, ..none }, Phase::Reading, short.into()),
        (DatagramAct::Previous, Tally { wrong: N, ..none }, Phase::Reading, number.into()),
    ];
    for mode in [Mode::Keep, Mode::New] {
        for (act, counted, phase, cause) in cases {
            let outcome = outcome(mode, act).await;
            let expected = Tally { started: REQUESTS, answered: REQUESTS - N, ..counted };
            assert_eq!(outcome.tally, expected, "{mode} {act:?} {:?}", outcome.failures);
            for failure in &outcome.failures {
                assert_eq!((failure.phase, failure.cause), (phase, cause), "{mode} {act:?}");
                assert!(failure.local_port.is_some());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_counted_when_the_time_is_over_and_not_again() {
    let outcome = outcome(Mode::Keep, DatagramAct::Late).await;
    let late = Tally { timed_out: N, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: REQUESTS, answered: REQUESTS - N, ..late });
}

/// On one thread both answers are there before the client can run again.
#[tokio::test(flavor = "current_thread")]
async fn a_second_answer_is_unsolicited() {
    let outcome = outcome(Mode::Keep, DatagramAct::Twice).await;
    let twice = Tally { unsolicited: N, ..Tally::default() };
    assert_eq!(outcome.tally, Tally { started: REQUESTS, answered: REQUESTS, ..twice });
    let cause = Cause::from(WrongAnswer::ExtraBytes { count_bytes: LENGTH });
    assert!(outcome.failures.iter().all(|failure| failure.cause == cause));
}

#[tokio::test]
async fn a_port_at_which_nobody_listens_refuses() {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::Udp(socket.local_addr().unwrap());
    drop(socket);
    for mode in [Mode::Keep, Mode::New] {
        let plan = Plan::new(target.clone()).group(group(mode, LENGTH).requests(6));
        let outcome = plan.start().unwrap().wait().await;
        let refused = Tally { started: 6, refused: 6, ..Tally::default() };
        assert_eq!(outcome.tally, refused);
        let errno = Errno::CONNREFUSED.raw_os_error();
        for failure in &outcome.failures {
            assert_eq!(failure.kind, FailureKind::Refused);
            assert_eq!(failure.cause, Cause::System { errno });
        }
        assert!(outcome.elapsed >= Duration::from_millis(50), "a dead server burns no machine");
    }
}
