//! What HTTP examples have in common: each test runs with each of them. Those with a server of
//! their own say goodbye on kept connections; those of `serve` have no need to.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use rekindle_prove::{Group, Load, Mode, Outcome, Plan, Request, Target};
use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::example::{Example, eventually};

/// A probation that is over soon, for a test that waits for an old process to leave.
pub(crate) const SHORT_PROBATION: &[&str] = &["--probation", "100ms"];
/// One that no test sees the end of.
pub(crate) const LONG_PROBATION: &[&str] = &["--probation", "10min"];

const UPGRADES: u64 = 3;

macro_rules! with_each_example {
    (all: $($all:ident)* ; saying_goodbye: $($test:ident)*) => {
        with_each_example!(@ seed $($all)* $($test)*);
        with_each_example!(@ echo_blocking $($all)* $($test)*);
        with_each_example!(@ echo_tokio $($all)* $($test)*);
        with_each_example!(@ axum $($all)*);
    };
    (@ $example:ident $($test:ident)*) => {
        mod $example {
            $(
                #[test]
                fn $test() {
                    super::$test(env!(concat!("CARGO_BIN_EXE_", stringify!($example))));
                }
            )*
        }
    };
}

with_each_example! {
    all:
        answers
        says_what_it_had_to_cut
        refuses_a_second_instance;
    saying_goodbye:
        is_replaced_and_nothing_is_noticed
        finishes_what_is_in_flight_while_the_next_one_answers
        answers_a_fresh_connection_that_asks_after_the_commit
        resumes_if_its_successor_dies
        stops_and_finishes_first
}

fn answers(program: &str) {
    let example = Example::http(program, &[]);
    let pid = example.newest().pid;
    let mut client = Client::connect(example.address());
    let who = client.get("/");
    assert_eq!(who.body, format!("pid {pid} generation 1\n"));
    assert_eq!((who.status, who.generation(), who.says_close()), (200, 1, false));
    assert_eq!(who.field("x-pid"), Some(pid.to_string().as_str()));
    let slow = client.get("/slow?ms=30");
    assert_eq!((slow.status, slow.body), (200, who.body));
    client.begin_upload();
    assert_eq!(client.finish_upload().body, "hello");
    assert_eq!(client.get("/nothing").status, 404);
    assert_eq!(client.get("/echo").status, 405);
    assert_eq!(client.get("/slow?ms=60001").status, 400);
    assert_eq!(example.pid_file(), Some(pid));
}

/// Under new connections nothing is noticed at all; kept ones are told goodbye and nothing else.
fn is_replaced_and_nothing_is_noticed(program: &str) {
    let mut example = Example::http(program, SHORT_PROBATION);
    let runtime = Runtime::new().unwrap();
    let address = example.address();
    let load = runtime.block_on(async { start_load(Target::Tcp(address)) });
    for upgrade in 1..=UPGRADES {
        let answered = load.snapshot().answered;
        eventually("the load goes on", || pause_until(load.snapshot().answered > answered + 50));
        example.upgrade();
        assert_eq!(example.pid_file(), Some(example.newest().pid));
        assert_eq!(example.address(), address);
        assert_eq!(example.generation(upgrade).exit_status(), 0);
    }
    let outcome = runtime.block_on(load.stop());
    assert_only_goodbyes(&outcome);
    let generations: BTreeSet<_> =
        outcome.generations.iter().map(|one| one.responder.generation).collect();
    assert_eq!(generations, (1..=UPGRADES + 1).collect());
}

pub(crate) fn start_load(target: Target) -> Load {
    let mut plan = Plan::new(target);
    for request in [Request::get("/"), Request::post("/echo", 16 * 1024)] {
        for mode in [Mode::New, Mode::Keep, Mode::Idle { mean_think: Duration::from_millis(10) }] {
            plan = plan.group(Group::new(mode, request.clone()).connections(2));
        }
    }
    plan.start().unwrap()
}

fn assert_only_goodbyes(outcome: &Outcome) {
    for group in &outcome.groups {
        let (tally, name) = (group.tally, format!("{} {}", group.mode, group.request));
        let goodbyes = tally.announced_close;
        assert_eq!(tally.noticed() - goodbyes, 0, "{name}: {tally:?} {:#?}", outcome.failures);
        if group.mode == Mode::New {
            assert_eq!(goodbyes, 0, "{name}");
        } else {
            // Each old process leaves only once all its connections are gone, and nothing but a
            // goodbye ends one; nobody is told twice by the same process.
            let most = UPGRADES * group.connections as u64;
            assert!((1..=most).contains(&goodbyes), "{name}: {goodbyes} goodbyes, {most} at most");
        }
    }
}

/// Leaves the machine to those that are waited for.
pub(crate) fn pause_until(is_so: bool) -> bool {
    if !is_so {
        // Only how often to look, never how long to wait.
        thread::sleep(Duration::from_millis(1));
    }
    is_so
}

fn finishes_what_is_in_flight_while_the_next_one_answers(program: &str) {
    let mut example = Example::http(program, SHORT_PROBATION);
    let [mut slow, mut upload, mut kept] = [(); 3].map(|()| Client::connect(example.address()));
    for client in [&mut slow, &mut upload, &mut kept] {
        assert_eq!(client.get("/").generation(), 1);
    }
    slow.send_get("/slow?ms=700");
    upload.begin_upload();
    example.upgrade();
    kept.await_goodbye();
    let fresh = Client::connect(example.address()).get("/");
    assert_eq!((fresh.generation(), fresh.says_close()), (2, false));
    let finished = upload.finish_upload();
    assert_eq!((finished.body.as_str(), finished.generation()), ("hello", 1));
    assert!(finished.says_close());
    upload.assert_closed();
    let finished = slow.answer();
    assert_eq!((finished.status, finished.generation()), (200, 1));
    assert_eq!(example.generation(1).exit_status(), 0);
}

fn answers_a_fresh_connection_that_asks_after_the_commit(program: &str) {
    let mut example = Example::http(program, SHORT_PROBATION);
    let [mut fresh, mut half, mut kept] = [(); 3].map(|()| Client::connect(example.address()));
    half.send("GET / HTT");
    // The queue is in order: once this one is served, the others have been accepted.
    assert_eq!(kept.get("/").generation(), 1);
    example.upgrade();
    kept.await_goodbye();
    half.send("P/1.1\r\nHost: localhost\r\n\r\n");
    fresh.send_get("/");
    for mut client in [half, fresh] {
        let answer = client.answer();
        assert_eq!((answer.status, answer.generation(), answer.says_close()), (200, 1, true));
        client.assert_closed();
    }
    assert_eq!(example.generation(1).exit_status(), 0);
}

fn resumes_if_its_successor_dies(program: &str) {
    let mut example = Example::http(program, LONG_PROBATION);
    let mut kept = Client::connect(example.address());
    assert_eq!(kept.get("/").generation(), 1);
    example.upgrade();
    assert_eq!(example.pid_file(), Some(example.newest().pid));
    example.newest().signal(Signal::KILL);
    // A new connection waits in the queue until somebody accepts: that is the first one again.
    eventually("the first generation has resumed", || {
        let answer = Client::connect(example.address()).get("/");
        answer.generation() == 1 && !answer.says_close()
    });
    let answer = kept.get("/");
    assert_eq!((answer.generation(), answer.says_close()), (1, false));
    assert_eq!(example.pid_file(), Some(example.generation(1).pid));
}

fn stops_and_finishes_first(program: &str) {
    let example = Example::http(program, &[]);
    let address = example.address();
    let [mut upload, mut kept] = [(); 2].map(|()| Client::connect(address));
    assert_eq!(upload.get("/").status, 200);
    upload.begin_upload();
    example.newest().signal(Signal::TERM);
    kept.await_goodbye();
    let finished = upload.finish_upload();
    assert_eq!((finished.body.as_str(), finished.says_close()), ("hello", true));
    upload.assert_closed();
    assert_eq!(example.newest().exit_status(), 0);
    assert_eq!(example.pid_file(), None);
    assert!(!example.path("control").exists());
    assert!(Client::try_connect(address).is_err());
}

fn says_what_it_had_to_cut(program: &str) {
    let example = Example::http(program, &["--drain-timeout", "100ms"]);
    let mut upload = Client::connect(example.address());
    assert_eq!(upload.get("/").status, 200);
    upload.begin_upload();
    example.newest().signal(Signal::TERM);
    assert_eq!(example.newest().exit_status(), i32::from(rekindle::EXIT_CUT));
}

fn refuses_a_second_instance(program: &str) {
    let example = Example::http(program, &[]);
    let second = std::process::Command::new(program)
        .args(["--listen", "127.0.0.1:0", "--pid-file"])
        .arg(example.path("pid"))
        .output()
        .unwrap();
    assert_eq!((second.status.code(), second.stdout.as_slice()), (Some(1), &b""[..]));
    let error = String::from_utf8(second.stderr).unwrap();
    let pid = example.newest().pid.to_string();
    assert!(error.contains("Error: take the pid file\n\nCaused by:"), "{error}");
    assert!(error.contains(&pid), "{error}");
    assert_eq!(Client::connect(example.address()).get("/").status, 200);
}
