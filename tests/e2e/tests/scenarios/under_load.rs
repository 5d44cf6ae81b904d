//! Restarts under load: nothing is noticed.

use std::thread;
use std::time::Duration;

use rekindle_e2e::{
    AcceptQueue, Face, Settings, assert_nothing_noticed, new_connections, serves_on,
};

use crate::{each_face, server};

each_face!(s01_restarts_under_new_connections, s04_who_waits_in_the_queue_at_commit_is_served);

async fn s01_restarts_under_new_connections(face: Face) {
    const RESTARTS: u64 = 40;
    let server = server(&Settings::new(face));
    let load = new_connections(server.target());
    for restart in 1..=RESTARTS {
        serves_on(&load);
        // The scenario: a restart every 100 to 200 ms.
        thread::sleep(Duration::from_millis(fastrand::u64(100..200)));
        let verdict = server.upgrade().committed();
        assert_eq!(verdict.generation, 1 + restart);
    }
    serves_on(&load);
    let outcome = load.stop().await;
    assert_nothing_noticed(&outcome);
    let answered = outcome.generations.iter().map(|one| one.responder.generation);
    assert!(answered.clone().eq(1..=1 + RESTARTS), "{:?}", answered.collect::<Vec<_>>());
}

async fn s04_who_waits_in_the_queue_at_commit_is_served(face: Face) {
    const CLIENTS: usize = 100;
    let accept_delay = Duration::from_millis(10);
    let server = server(&Settings { accept_delay, ..Settings::new(face) });
    let queue = AcceptQueue::fill(server.socket_address("http"), CLIENTS);
    server.upgrade().committed();
    let answers = queue.answers();
    let by = |generation| answers.iter().filter(|it| it.generation == generation).count();
    assert_eq!((answers.len(), by(1) + by(2)), (CLIENTS, CLIENTS));
    assert!(by(2) > 0, "nobody was in the queue at the commit");
}
