//! Connections that are kept move to the next version, and their clients see nothing of it.

use std::time::Duration;

use rekindle_e2e::{
    HttpClient, Settings, assert_nothing_noticed, eventually, idle_connections, kept_connections,
    serves_on,
};
use rekindle_prove::{Outcome, Target};

use crate::{moved_in, restart, server, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s02_restarts_under_saturated_kept_connections() {
    const RESTARTS: u64 = 40;
    let server = server(&settings());
    let load = kept_connections(server.target(), 32);
    restart(&server, RESTARTS);
    moved_in(&server, 32);
    serves_on(&load);
    // Nobody connects again unless something was noticed: so each generation had them by moves.
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s03_restarts_under_mostly_idle_kept_connections() {
    const RESTARTS: u64 = 10;
    let server = server(&settings());
    let load = idle_connections(server.target(), 200, Duration::from_millis(300));
    restart(&server, RESTARTS);
    moved_in(&server, 200);
    serves_on(&load);
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_a_unix_socket_move_as_well() {
    const RESTARTS: u64 = 5;
    let server = server(&settings().listeners(&[("local", "unix:local.sock")]));
    let load = kept_connections(Target::Unix(server.path("local.sock")), 8);
    restart(&server, RESTARTS);
    moved_in(&server, 8);
    serves_on(&load);
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_follows_ten_upgrades_while_the_oldest_generations_drain() {
    const UPGRADES: u64 = 10;
    const KEPT: u64 = 3;
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, ..settings() });
    let address = server.socket_address("http");
    let connect = || HttpClient::connect(address).unwrap();
    let mut kept: Vec<_> = (0..KEPT).map(|_| connect()).collect();
    let mut held = Vec::new();
    let mut all_moved_in = 0;
    for generation in 1..=1 + UPGRADES {
        for client in &mut kept {
            let answer = client.get("/whence").unwrap();
            assert!(!answer.closes);
            assert_eq!(answer.generation, generation);
            // The client's real address, and the listener that it came by.
            let whence = format!("http {}\n", client.own_address().unwrap());
            assert_eq!(String::from_utf8(answer.body).unwrap(), whence);
        }
        if generation <= 2 {
            let mut client = connect();
            client.send_get("/slow?ms=5000").unwrap();
            held.push((generation, client));
            eventually("it is accepted", || (server.status().in_flight > KEPT).then_some(()));
        }
        if generation <= UPGRADES {
            all_moved_in += server.status().moved_in;
            server.upgrade().committed();
            moved_in(&server, KEPT);
        }
    }
    eventually("each elder says what it has", || {
        let draining = server.status().draining;
        let has_one = |number| {
            draining.iter().any(|elder| (elder.generation, elder.in_flight) == (number, 1))
        };
        (has_one(1) && has_one(2)).then_some(())
    });
    for (generation, client) in &mut held {
        let answer = client.answer().unwrap();
        assert_eq!((answer.generation, answer.closes), (*generation, false));
    }
    // Once its answer is out it goes to the newest at once, over all those in between.
    moved_in(&server, KEPT + 2);
    for (_, client) in &mut held {
        assert_eq!(client.get("/").unwrap().generation, 1 + UPGRADES);
    }
    all_moved_in += server.status().moved_in;
    // What moved in over all the time was moved out by those that have left since.
    eventually("all have left", || (server.reports().len() as u64 == UPGRADES).then_some(()));
    let all_moved_out: u64 = server.reports().iter().map(|report| report.moved).sum();
    assert_eq!((all_moved_in, all_moved_out), (KEPT * UPGRADES + 2, KEPT * UPGRADES + 2));
}

/// Clients noticed nothing, and every generation answered some of them.
fn assert_all_answered(outcome: &Outcome, generations: u64) {
    assert_nothing_noticed(outcome);
    assert_eq!(outcome.tally.announced_close, 0);
    assert_eq!(outcome.tally.closed_between_requests, 0);
    let answered = outcome.generations.iter().map(|one| one.responder.generation);
    assert!(answered.clone().eq(1..=generations), "{:?}", answered.collect::<Vec<_>>());
}
