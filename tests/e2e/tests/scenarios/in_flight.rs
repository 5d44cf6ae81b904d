//! What is in flight at a commit is finished, by the process that began it.

use std::time::{Duration, Instant};

use rekindle_e2e::{Ended, Face, HttpClient, Settings, eventually};

use crate::{by_hand, each_face, server};

each_face!(s05_slow_responses_and_uploads_finish_on_the_old);
// What the library serves moves instead: see the tests of kept connections.
by_hand!(s05_a_kept_connection_is_told_goodbye_and_not_cut);

async fn s05_slow_responses_and_uploads_finish_on_the_old(face: Face) {
    const EACH: usize = 8;
    const BODY: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    let probation = Duration::from_millis(500);
    let server = server(&Settings { probation, ..Settings::new(face) });
    let address = server.socket_address("http");
    let connect = || HttpClient::connect(address).unwrap();
    let mut responses: Vec<_> = (0..EACH).map(|_| connect()).collect();
    let mut uploads: Vec<_> = (0..EACH).map(|_| connect()).collect();
    let begun = Instant::now();
    for client in &mut responses {
        client.send_get("/slow?ms=2000").unwrap();
    }
    for client in &mut uploads {
        let head = format!("POST /echo HTTP/1.1\r\ncontent-length: {}\r\n\r\n", BODY.len());
        client.send(head.as_bytes()).unwrap();
        client.send(&BODY[..1024]).unwrap();
    }
    in_flight(&server, 2 * EACH as u64);
    let verdict = server.upgrade().committed();
    assert!(begun.elapsed() < Duration::from_secs(2), "the commit came too late to mean a thing");
    assert_eq!(connect().get("/").unwrap().pid, verdict.pid, "new requests go to the new process");
    for client in &mut uploads {
        client.send(&BODY[1024..]).unwrap();
        let answer = client.answer().unwrap();
        assert_eq!((answer.generation, answer.body.as_slice()), (1, &BODY[..]));
    }
    for client in &mut responses {
        assert_eq!(client.answer().unwrap().generation, 1);
    }
    assert!(begun.elapsed() >= Duration::from_secs(2));
    drop((responses, uploads));
    assert_eq!(server.first_end(), Ended::Exited(0), "nothing was cut");
}

async fn s05_a_kept_connection_is_told_goodbye_and_not_cut(face: Face) {
    let server = server(&Settings::new(face));
    let mut client = HttpClient::connect(server.socket_address("http")).unwrap();
    assert!(!client.get("/").unwrap().closes);
    server.upgrade().committed();
    // The program hears of the commit a moment after it, and until then has nothing to say.
    eventually("it says goodbye", || {
        let answer = client.get("/").unwrap();
        assert_eq!(answer.generation, 1);
        answer.closes.then_some(())
    });
    client.closed().unwrap();
}

/// Waits until so much is in flight.
fn in_flight(server: &rekindle_e2e::Server, count: u64) {
    eventually("all requests are in flight", || (server.status().in_flight == count).then_some(()));
}
