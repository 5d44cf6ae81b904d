//! The end of a process: its drain, its deadline, the hammer, and its exit status.

use std::time::{Duration, Instant};

use rekindle::control::{Reply, Request, Wait};
use rekindle_e2e::{
    AcceptQueue, Ended, Face, HttpClient, Server, Settings, assert_nothing_noticed, eventually,
    new_connections, serves_on,
};
use rekindle_unix::{Process, Signal};

use crate::{each_face, server};

each_face!(
    s13_three_generations_drain_each_by_its_own_deadline,
    s13_the_oldest_is_hammered_when_too_many_drain,
    s14_a_stuck_connection_is_cut_at_the_deadline,
    s14_what_a_stop_cuts_is_counted_in_the_reply,
    s15_a_second_term_ends_at_once,
    s15_a_second_term_ends_a_program_that_hangs,
    s15_a_stopping_process_answers_and_a_second_stop_ends_it,
    s15_usr2_cuts_what_drains,
    s15_a_hammer_over_the_control_socket_reaches_the_elders,
    a_stop_answers_those_who_wait_in_the_queue,
    a_stop_lets_what_is_in_flight_finish,
);

/// How much later than its deadline something may happen on a busy machine. Never earlier.
const TOLERANCE: Duration = Duration::from_millis(250);

/// A probation that does not end in the time of a test.
const LONG: Duration = Duration::from_secs(600);

/// What is still running long after the test.
const STUCK: &str = "/slow?ms=600000";

async fn s13_three_generations_drain_each_by_its_own_deadline(face: Face) {
    let drain_timeout = Duration::from_millis(1500);
    let probation = Duration::from_millis(100);
    let server = server(&Settings { drain_timeout, probation, ..Settings::new(face) });
    let load = new_connections(server.target());
    let mut stuck = Vec::new();
    let mut draining = Vec::new();
    for generation in 1..=3 {
        let process = Process::open(server.status().pid).unwrap();
        stuck.push(stick(&server));
        let verdict = server.upgrade().committed();
        draining.push((generation, process, Instant::now()));
        // Each one's drain overlaps with those before and after.
        std::thread::sleep(drain_timeout / 5);
        assert_eq!(verdict.generation, generation + 1);
    }
    let listed = server.status().draining;
    assert_eq!(listed.iter().map(|one| one.generation).collect::<Vec<_>>(), [1, 2, 3]);
    eventually("each elder says what it has", || {
        server.status().draining.iter().all(|one| one.in_flight == 1).then_some(())
    });
    for (generation, process, since) in draining {
        assert!(process.wait_for(drain_timeout * 2).unwrap());
        assert_in_time(since.elapsed(), drain_timeout, &format!("generation {generation}"));
    }
    for mut client in stuck {
        client.closed().unwrap();
    }
    eventually("nobody drains any more", || server.status().draining.is_empty().then_some(()));
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn s13_the_oldest_is_hammered_when_too_many_drain(face: Face) {
    let server = server(&Settings { draining_limit: 2, ..Settings::new(face) });
    let mut stuck = Vec::new();
    for _ in 0..2 {
        stuck.push(stick(&server));
        server.upgrade().committed();
    }
    assert_eq!(server.first_ended(), None);
    stuck.push(stick(&server));
    server.upgrade().committed();
    assert_eq!(server.first_end(), Ended::Exited(3), "its loss was the hammer's");
    let draining: Vec<_> = eventually("it is seen to have left", || {
        let draining = server.status().draining;
        let generations = draining.iter().map(|one| one.generation).collect::<Vec<_>>();
        (generations.len() == 2).then_some(generations)
    });
    assert_eq!(draining, [2, 3], "the others go on");
}

async fn s14_a_stuck_connection_is_cut_at_the_deadline(face: Face) {
    let drain_timeout = Duration::from_secs(1);
    let server = server(&Settings { drain_timeout, probation: LONG, ..Settings::new(face) });
    let mut client = stick(&server);
    server.upgrade().committed();
    let since = Instant::now();
    client.closed().unwrap();
    assert_in_time(since.elapsed(), drain_timeout, "the cut");
    // The connection was cut, and not only ended with its process: that may have to resume.
    assert_eq!(server.first_ended(), None);
    server.upgrade().committed();
    assert_eq!(server.first_end(), Ended::Exited(3));
    server.wait_for_log("end=Hammered(Deadline) cut=1");
}

async fn s14_what_a_stop_cuts_is_counted_in_the_reply(face: Face) {
    let drain_timeout = Duration::from_millis(500);
    let server = server(&Settings { drain_timeout, ..Settings::new(face) });
    let stuck = [stick(&server), stick(&server)];
    let mut replies = server.replies(&Request::Stop {});
    match replies.next().unwrap().unwrap() {
        // An attempt to accept counts until it has found that the queue is empty.
        Reply::Stopping { in_flight } => assert!((2..=3).contains(&in_flight), "{in_flight}"),
        other => panic!("{other:?}"),
    }
    match replies.next().unwrap().unwrap() {
        Reply::Stopped { cut, took_ms } => {
            assert_eq!(cut, 2);
            assert_in_time(Duration::from_millis(took_ms), drain_timeout, "the drain");
        }
        other => panic!("{other:?}"),
    }
    for mut client in stuck {
        client.closed().unwrap();
    }
    assert_eq!(server.first_end(), Ended::Exited(3));
}

async fn s15_a_second_term_ends_at_once(face: Face) {
    let server = server(&Settings::new(face));
    let mut client = stick(&server);
    server.signal(server.first_pid(), Signal::Term);
    server.wait_for_log("signal signal=SIGTERM");
    assert_eq!(server.first_ended(), None, "the first is patient");
    server.signal(server.first_pid(), Signal::Term);
    assert_eq!(server.first_end(), Ended::Exited(3), "the program says that something was cut");
    client.closed().unwrap();
}

async fn s15_a_stopping_process_answers_and_a_second_stop_ends_it(face: Face) {
    let server = server(&Settings::new(face));
    let mut client = stick(&server);
    let mut stop = server.replies(&Request::Stop {});
    assert!(matches!(stop.next(), Some(Ok(Reply::Stopping { .. }))));
    assert_eq!(server.status().phase, "stopping");
    assert_eq!(server.first_ended(), None, "the first is patient");
    let again = server.ask(&Request::Stop {});
    assert!(matches!(again, Reply::Stopped { cut: 1, .. }), "{again:?}");
    assert!(matches!(stop.last(), Ok(Reply::Stopped { cut: 1, .. })));
    assert_eq!(server.first_end(), Ended::Exited(3), "the program says that something was cut");
    client.closed().unwrap();
    assert!(!server.path("control.sock").exists(), "the control socket is left behind");
}

async fn s15_a_second_term_ends_a_program_that_hangs(face: Face) {
    let server = server(&Settings { hangs_at_end: true, ..Settings::new(face) });
    let _client = stick(&server);
    server.signal(server.first_pid(), Signal::Int);
    server.wait_for_log("signal signal=SIGINT");
    server.signal(server.first_pid(), Signal::Term);
    assert_eq!(server.first_end(), Ended::Killed(15), "by the last signal's default action");
}

async fn s15_usr2_cuts_what_drains(face: Face) {
    let server = server(&Settings { probation: LONG, ..Settings::new(face) });
    let mut client = stick(&server);
    server.upgrade().committed();
    server.signal(server.first_pid(), Signal::Usr2);
    client.closed().unwrap();
    // It stays for the probation all the same: it may have to resume.
    assert_eq!(server.first_ended(), None);
    server.upgrade().committed();
    assert_eq!(server.first_end(), Ended::Exited(3));
    server.wait_for_log("end=Hammered(Operator) cut=1");
}

async fn s15_a_hammer_over_the_control_socket_reaches_the_elders(face: Face) {
    let server = server(&Settings::new(face));
    let refused = server.ask(&Request::Hammer {});
    assert!(matches!(&refused, Reply::Refused { reason, .. } if reason == "nothing-drains"));
    let mut stuck = Vec::new();
    for _ in 0..2 {
        stuck.push(stick(&server));
        server.upgrade().committed();
    }
    assert_eq!(server.first_ended(), None);
    assert_eq!(server.ask(&Request::Hammer {}), Reply::Hammered { processes: 2 });
    for mut client in stuck {
        client.closed().unwrap();
    }
    assert_eq!(server.first_end(), Ended::Exited(3));
    server.wait_for_log("end=Hammered(Newer) cut=1");
}

async fn a_stop_answers_those_who_wait_in_the_queue(face: Face) {
    const CLIENTS: usize = 60;
    let accept_delay = Duration::from_millis(10);
    let server = server(&Settings { accept_delay, ..Settings::new(face) });
    let address = server.socket_address("http");
    let queue = AcceptQueue::fill(address, CLIENTS);
    match server.ask(&Request::Stop {}) {
        Reply::Stopped { cut: 0, .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(queue.answers().len(), CLIENTS);
    assert_eq!(server.first_end(), Ended::Exited(0));
    let error = HttpClient::connect(address).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

async fn a_stop_lets_what_is_in_flight_finish(face: Face) {
    let server = server(&Settings::new(face));
    let mut client = HttpClient::connect(server.socket_address("http")).unwrap();
    client.send_get("/slow?ms=500").unwrap();
    in_flight(&server, 1);
    // In the middle of an upgrade, which is called off.
    let slow = Settings { start_delay: Duration::from_secs(20), ..Settings::new(face) };
    let mut upgrade = server.begin_upgrade_with(Wait::Committed, &slow);
    upgrade.until("starting");
    server.signal(server.first_pid(), Signal::Term);
    upgrade.verdict().failed("aborted", "starting", "stopping");
    assert!(client.answer().unwrap().closes);
    assert_eq!(server.first_end(), Ended::Exited(0));
    eventually("nobody is left", || server.processes().is_empty().then_some(()));
}

/// A client whose request is not answered in the time of a test.
fn stick(server: &Server) -> HttpClient {
    let before = server.status().in_flight;
    let mut client = HttpClient::connect(server.socket_address("http")).unwrap();
    client.send_get(STUCK).unwrap();
    eventually("the request is in flight", || (server.status().in_flight > before).then_some(()));
    client
}

fn in_flight(server: &Server, count: u64) {
    eventually("so much is in flight", || (server.status().in_flight == count).then_some(()));
}

/// The clock of the server began a little before ours, so this much too early is in time.
fn assert_in_time(took: Duration, deadline: Duration, what: &str) {
    let early = deadline.saturating_sub(took);
    let late = took.saturating_sub(deadline);
    assert!(early < TOLERANCE && late < TOLERANCE, "{what} took {took:?}, not {deadline:?}");
}
