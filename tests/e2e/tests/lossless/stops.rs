//! A stop without a successor: what is under way is answered, and idle connections hold nobody up.

use std::time::{Duration, Instant};

use rekindle_e2e::{Ended, Http2Client, HttpClient, eventually};
use rekindle_unix::Signal;

use crate::{server, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_closes_idle_connections_at_once_and_answers_the_others() {
    let server = server(&settings());
    let address = server.socket_address("http");
    let connect = || HttpClient::connect(address).unwrap();
    let mut kept = connect();
    assert!(!kept.get("/").unwrap().closes);
    let (mut fresh, mut slow) = (connect(), connect());
    slow.send_get("/slow?ms=1500").unwrap();
    let (mut http2, end) = Http2Client::connect(address).await.unwrap();
    assert_eq!(http2.get("/").await.unwrap().generation, 1);
    eventually("all are accepted", || (server.status().in_flight >= 4).then_some(()));
    let begun = Instant::now();
    server.signal(server.first_pid(), Signal::Term);
    kept.closed().unwrap();
    fresh.closed().unwrap();
    end.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(slow.answer().unwrap().closes);
    assert_eq!(server.first_end(), Ended::Exited(0));
}
