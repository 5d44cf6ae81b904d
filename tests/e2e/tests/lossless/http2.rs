//! HTTP/2 connections stay with their process: it says goodbye, and finishes what it has.

use std::time::Duration;

use rekindle_e2e::{Ended, Http2Client, Http2Error, Http2Load, Settings, eventually};

use crate::{restart, server, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_in_flight_finish_on_the_old_process() {
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, ..settings() });
    let address = server.socket_address("http");
    let (client, end) = Http2Client::connect(address).await.unwrap();
    let streams: Vec<_> = (0..8)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.get("/slow?ms=1000").await })
        })
        .collect();
    drop(client);
    eventually("the connection is accepted", || (server.status().in_flight >= 1).then_some(()));
    // The streams are there a moment after it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let verdict = server.upgrade().committed();
    let (mut fresh, _end) = Http2Client::connect(address).await.unwrap();
    assert_eq!(fresh.get("/").await.unwrap().pid, verdict.pid);
    for stream in streams {
        assert_eq!(stream.await.unwrap().unwrap().generation, 1);
    }
    end.await.unwrap().unwrap();
    assert_eq!(server.first_end(), Ended::Exited(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_told_goodbye_at_once() {
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, ..settings() });
    let (mut client, end) = Http2Client::connect(server.socket_address("http")).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().generation, 1);
    server.upgrade().committed();
    end.await.unwrap().unwrap();
    assert_eq!(server.first_end(), Ended::Exited(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_obey_goodbyes_lose_nothing_over_ten_restarts() {
    const RESTARTS: u64 = 10;
    let server = server(&settings());
    let load = Http2Load::start(server.socket_address("http"), 4, 8);
    for generation in 1..=1 + RESTARTS {
        let enough = load.answered() + 100;
        eventually("the load is answered", || (load.answered() >= enough).then_some(()));
        if generation <= RESTARTS {
            restart(&server, 1);
        }
    }
    let outcome = load.stop().await;
    assert_eq!(outcome.failures, Vec::<String>::new());
    assert!(outcome.generations.iter().copied().eq(1..=1 + RESTARTS), "{outcome:?}");
    // Each connection is told each time. What crosses a goodbye is what a client sends that has
    // answered the ping before it and not read on: hardly ever anything.
    assert!((RESTARTS..=4 * RESTARTS).contains(&outcome.goodbyes), "{outcome:?}");
    assert!(outcome.refused < outcome.goodbyes, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_longer_than_the_drain_are_cut_at_its_deadline() {
    let (probation, drain_timeout) = (Duration::from_millis(100), Duration::from_millis(500));
    let server = server(&Settings { probation, drain_timeout, ..settings() });
    let (mut client, _end) = Http2Client::connect(server.socket_address("http")).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().generation, 1);
    let stream = tokio::spawn(async move { client.get("/slow?ms=600000").await });
    // The stream is there a moment after it was sent.
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.upgrade().committed();
    let cut = stream.await.unwrap();
    assert!(matches!(cut, Err(Http2Error::Lost(_))), "{cut:?}");
    assert_eq!(server.first_end(), Ended::Exited(3));
    server.wait_for_log("end=Hammered(Deadline) cut=1");
}
