//! The next version does not take connections, or dies of them: they are served on.

use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

use rekindle::control::Wait;
use rekindle_e2e::{
    Ended, Face, HttpClient, Server, Settings, eventually, idle_connections, serves_on,
};
use rekindle_unix::Signal;

use crate::{TOLERANCE, moved_in, server, settings};

fn connect(server: &Server) -> HttpClient {
    HttpClient::connect(server.socket_address("http")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_version_that_takes_no_connections_leaves_them_to_the_old_one() {
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, ..settings() });
    let load = idle_connections(server.target(), 100, Duration::from_millis(200));
    eventually("all are accepted", || (server.status().in_flight >= 100).then_some(()));
    let by_hand = Settings { probation, ..Settings::new(Face::Tokio) };
    let begun = Instant::now();
    server.upgrade_with(&by_hand).committed();
    // Each is told with its next answer, and the drain ends with the last one.
    assert_eq!(server.first_end(), Ended::Exited(0));
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for its deadline");
    serves_on(&load);
    let outcome = load.stop().await;
    let tally = outcome.tally;
    assert_eq!(tally.noticed(), tally.announced_close, "{tally:#?}\n{:#?}", outcome.failures);
    assert_eq!(tally.announced_close, 100, "each connection of the old one is told once");
    assert_eq!((tally.answered, tally.could_not_measure), (tally.started, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_version_that_serves_it_under_another_name_takes_no_connections() {
    let server = server(&settings());
    let mut client = kept(&server);
    let address = server.address("http");
    let renamed = settings().listeners(&[("web", address.as_str())]);
    server.upgrade_with(&renamed).committed();
    goodbye(&mut client);
    let address = server.socket_address("web");
    let mut fresh = HttpClient::connect(address).unwrap();
    assert_eq!(fresh.get("/").unwrap().generation, 2);
}

/// The old process says goodbye with the next answer after it has heard of the successor.
fn goodbye(client: &mut HttpClient) {
    eventually("it says goodbye", || {
        let answer = client.get("/").unwrap();
        assert_eq!(answer.generation, 1);
        answer.closes.then_some(())
    });
    client.closed().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_moved_outlives_the_old_process() {
    let server = server(&settings());
    let mut clients: Vec<_> = (0..50).map(|_| kept(&server)).collect();
    server.upgrade().committed();
    moved_in(&server, 50);
    server.signal(server.first_pid(), Signal::Kill);
    assert_eq!(server.first_end(), Ended::Killed(9));
    for client in &mut clients {
        assert_eq!(client.get("/").unwrap().generation, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stays_idle_is_closed_at_the_deadline_and_not_before() {
    let drain_timeout = Duration::from_secs(1);
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, drain_timeout, ..settings() });
    let (mut fresh, mut kept) = (connect(&server), connect(&server));
    assert_eq!(kept.get("/").unwrap().generation, 1);
    eventually("both are accepted", || (server.status().in_flight >= 2).then_some(()));
    let by_hand = Settings { probation, ..Settings::new(Face::Tokio) };
    server.upgrade_with(&by_hand).committed();
    let committed = Instant::now();
    fresh.closed().unwrap();
    kept.closed().unwrap();
    let took = committed.elapsed();
    assert!(took + TOLERANCE > drain_timeout && took < drain_timeout + TOLERANCE, "{took:?}");
    assert_eq!(server.first_end(), Ended::Exited(0), "nothing of theirs was under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_that_is_killed_takes_no_more_with_it_than_it_has_taken() {
    const ROUNDS: usize = 20;
    const CLIENTS: usize = 200;
    let server = server(&settings());
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| kept(&server)).collect();
    let mut lost = Vec::new();
    for round in 0..ROUNDS {
        let mut upgrade = server.begin_upgrade(Wait::Confirmed);
        let pid = upgrade.until("probation").unwrap();
        // The moves are over before long, so half of the times it is earlier than that.
        let latest_us = if round % 2 == 0 { 5_000 } else { 50_000 };
        // The scenario: it is killed within the first 50 ms.
        thread::sleep(Duration::from_micros(fastrand::u64(..latest_us)));
        server.signal(pid, Signal::Kill);
        upgrade.verdict().failed("rolled-back", "probation", "exited");
        assert_eq!(server.status().pid, server.first_pid());
        let (asked, mut lost_now) = (Instant::now(), 0);
        for client in &mut clients {
            // All are asked at once, so that one that hangs costs no time but its own.
            if client.send_get("/").is_err() {
                lost_now += 1;
                *client = kept(&server);
                client.send_get("/").unwrap();
            }
        }
        for client in &mut clients {
            match client.answer() {
                Ok(answer) => assert_eq!((answer.generation, answer.closes), (1, false)),
                Err(error) => {
                    assert!(is_end(&error), "a connection hangs: {error:?}");
                    lost_now += 1;
                    *client = kept(&server);
                }
            }
        }
        // One that hangs is closed in the end by a time limit of the server.
        assert!(asked.elapsed() < Duration::from_secs(10), "a connection hung in round {round}");
        lost.push(lost_now);
    }
    println!("lost with the process that had taken them: {lost:?} of {CLIENTS} each");
    server.upgrade().committed();
    for client in &mut clients {
        let answer = client.get("/").unwrap();
        assert!(!answer.closes);
    }
}

/// A connection that was used once.
fn kept(server: &Server) -> HttpClient {
    let mut client = connect(server);
    assert_eq!(client.get("/").unwrap().pid, server.first_pid());
    client
}

/// Whether the connection has ended, as opposed to hanging.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}
