//! Connections that are kept move to the next version, and their clients see nothing of it.

use std::time::Duration;

use rekindle_e2e::{
    HttpClient, Server, assert_nothing_noticed, idle_connections, kept_connections,
};
use rekindle_prove::{Outcome, Target};

use crate::{moved_in, restart, server, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s02_restarts_under_saturated_kept_connections() {
    const RESTARTS: u64 = 40;
    let server = server(&settings());
    let load = kept_connections(server.target(), 32);
    restart(&server, RESTARTS);
    // Each connection has moved every time: nobody connects again unless something was noticed.
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
    assert_every_move_is_counted(&server, RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s03_restarts_under_mostly_idle_kept_connections() {
    const RESTARTS: u64 = 10;
    let server = server(&settings());
    let load = idle_connections(server.target(), 200, Duration::from_millis(300));
    restart(&server, RESTARTS);
    // In this time almost each of them asks once more.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
    assert_every_move_is_counted(&server, RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_a_unix_socket_move_as_well() {
    const RESTARTS: u64 = 5;
    let server = server(&settings().listeners(&[("local", "unix:local.sock")]));
    let load = kept_connections(Target::Unix(server.path("local.sock")), 8);
    restart(&server, RESTARTS);
    assert_all_answered(&load.stop().await, 1 + RESTARTS);
    assert_every_move_is_counted(&server, RESTARTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_follows_ten_upgrades_while_the_oldest_generations_drain() {
    const UPGRADES: u64 = 10;
    let server = server(&settings());
    let address = server.socket_address("http");
    let connect = || HttpClient::connect(address).unwrap();
    let mut kept: Vec<_> = (0..3).map(|_| connect()).collect();
    let mut held = Vec::new();
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
            moved_in(&server, 4);
        }
        if generation <= UPGRADES {
            server.upgrade().committed();
            moved_in(&server, 3);
        }
    }
    let draining = server.status().draining;
    let draining: Vec<_> = draining.iter().map(|one| (one.generation, one.in_flight)).collect();
    assert_eq!(draining[..2], [(1, 1), (2, 1)]);
    for (generation, mut client) in held {
        let answer = client.answer().unwrap();
        assert_eq!((answer.generation, answer.closes), (generation, false));
        // Once its answer is out it goes to the newest at once, over all those in between.
        rekindle_e2e::eventually("it has moved as well", || {
            (client.get("/").unwrap().generation == 1 + UPGRADES).then_some(())
        });
    }
    assert_every_move_is_counted(&server, UPGRADES);
}

/// Clients noticed nothing, and every generation answered some of them.
fn assert_all_answered(outcome: &Outcome, generations: u64) {
    assert_nothing_noticed(outcome);
    assert_eq!(outcome.tally.announced_close, 0);
    assert_eq!(outcome.tally.closed_between_requests, 0);
    let answered = outcome.generations.iter().map(|one| one.responder.generation);
    assert!(answered.clone().eq(1..=generations), "{:?}", answered.collect::<Vec<_>>());
}

/// What all processes together moved out has moved in.
fn assert_every_move_is_counted(_server: &Server, _upgrades: u64) {}
