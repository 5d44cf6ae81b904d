//! Long answers go on over an upgrade, as long as the drain may take.

use std::time::{Duration, Instant};

use rekindle_e2e::{Ended, HttpClient, Settings, eventually};

use crate::{TOLERANCE, server, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_on_over_an_upgrade_to_their_end() {
    let probation = Duration::from_millis(100);
    let server = server(&Settings { probation, ..settings() });
    let address = server.socket_address("http");
    let mut client = HttpClient::connect(address).unwrap();
    client.send_get("/events?count=40&ms=20").unwrap();
    client.until("data: event 3 ").unwrap();
    server.upgrade().committed();
    server.upgrade().committed();
    // The end of the last chunk.
    let rest = client.until("\r\n0\r\n\r\n").unwrap();
    for event in 4..40 {
        let whole = format!("data: event {event} of pid {} generation 1\n\n", server.first_pid());
        assert!(rest.contains(&whole), "{whole} {rest}");
    }
    // It was no last answer: the connection moves after it.
    eventually("it has moved", || (client.get("/").unwrap().generation == 3).then_some(()));
    assert_eq!(server.first_end(), Ended::Exited(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_longer_than_the_drain_are_cut_at_its_deadline_and_counted() {
    let (probation, drain_timeout) = (Duration::from_millis(100), Duration::from_secs(1));
    let server = server(&Settings { probation, drain_timeout, ..settings() });
    let mut client = HttpClient::connect(server.socket_address("http")).unwrap();
    client.send_get("/events?count=1000000&ms=20").unwrap();
    client.until("data: event 3 ").unwrap();
    server.upgrade().committed();
    let committed = Instant::now();
    let error = client.until("\r\n0\r\n\r\n").unwrap_err();
    let took = committed.elapsed();
    let ends = [std::io::ErrorKind::UnexpectedEof, std::io::ErrorKind::ConnectionReset];
    assert!(ends.contains(&error.kind()), "{error:?}");
    assert!(took + TOLERANCE > drain_timeout && took < drain_timeout + TOLERANCE, "{took:?}");
    assert_eq!(server.first_end(), Ended::Exited(3));
    server.wait_for_log("end=Hammered(Deadline) cut=1");
}
