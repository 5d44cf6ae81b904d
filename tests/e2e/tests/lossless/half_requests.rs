//! A request of which a part has come before the commit is answered, wherever it is cut.

use std::time::Duration;

use rekindle_e2e::{Dripper, HttpClient, Server, Ticker, eventually};

use crate::{moved_in, restart, server, settings};

const GET: &str = "GET / HTTP/1.1\r\nhost: e2e\r\nx-cut: anywhere\r\n\r\n";

const POST: &str = "POST /echo HTTP/1.1\r\nhost: e2e\r\ncontent-length: 10\r\n\r\n0123456789";

fn connect(server: &Server) -> HttpClient {
    HttpClient::connect(server.socket_address("http")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s06_half_a_head_moves_and_the_new_process_answers() {
    let server = server(&settings());
    // The first head of a connection, and the second one: cut at every place.
    let mut clients = Vec::new();
    for asked_before in [false, true] {
        for cut in 1..GET.len() {
            let mut client = connect(&server);
            if asked_before {
                assert_eq!(client.get("/").unwrap().generation, 1);
            }
            client.send(&GET.as_bytes()[..cut]).unwrap();
            clients.push((asked_before, cut, client));
        }
    }
    let connections = clients.len() as u64;
    eventually("all are accepted", || (server.status().in_flight >= connections).then_some(()));
    server.upgrade().committed();
    moved_in(&server, connections);
    for (asked_before, cut, client) in &mut clients {
        client.send(&GET.as_bytes()[*cut..]).unwrap();
        let answer = client.answer().unwrap();
        let said = (answer.generation, answer.closes);
        assert_eq!(said, (2, false), "cut at {cut}, asked before: {asked_before}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s06_half_a_body_stays_and_the_old_process_answers() {
    let server = server(&settings());
    let head_bytes = POST.find("\r\n\r\n").unwrap() + 4;
    let mut clients: Vec<_> = (head_bytes..POST.len())
        .map(|cut| {
            let mut client = connect(&server);
            client.send(&POST.as_bytes()[..cut]).unwrap();
            (cut, client)
        })
        .collect();
    eventually("all are accepted", || (server.status().in_flight >= 10).then_some(()));
    // A head is read a moment after it has come.
    std::thread::sleep(Duration::from_millis(100));
    server.upgrade().committed();
    for (cut, client) in &mut clients {
        client.send(&POST.as_bytes()[*cut..]).unwrap();
        let answer = client.answer().unwrap();
        let said = (answer.generation, answer.closes, answer.body.as_slice());
        assert_eq!(said, (1, false, &b"0123456789"[..]), "cut at {cut}");
    }
    moved_in(&server, 10);
    for (cut, client) in &mut clients {
        assert_eq!(client.get("/").unwrap().generation, 2, "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s07_a_fresh_connection_first_asks_after_the_commit() {
    let server = server(&settings());
    for generation in 1..=5 {
        let mut moved: Vec<_> = (0..10).map(|_| connect(&server)).collect();
        eventually("all are accepted", || (server.status().in_flight >= 10).then_some(()));
        server.upgrade().committed();
        moved_in(&server, 10);
        for client in &mut moved {
            assert_eq!(client.get("/").unwrap().generation, generation + 1);
        }
    }
    // And at the very moment of it, by whom it may be.
    let fresh = Ticker::start({
        let address = server.socket_address("http");
        move |number| {
            let mut client = HttpClient::connect(address)?;
            // So that the commit comes at any moment between the two.
            std::thread::sleep(Duration::from_millis(number % 20));
            let answer = client.get("/")?;
            assert!(!answer.closes);
            Ok(answer.generation)
        }
    });
    restart(&server, 5);
    let found = fresh.stop();
    assert_eq!(found.failures, Vec::<String>::new());
    assert!(found.generations.len() > 2, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_come_in_small_pieces_are_answered_once_and_in_order() {
    const CLIENTS: usize = 32;
    let server = server(&settings());
    let address = server.socket_address("http");
    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let mut client = Dripper::connect(address, name).unwrap();
            Ticker::start(move |number| client.ask(number))
        })
        .collect();
    restart(&server, 12);
    for client in clients {
        let found = client.stop();
        assert_eq!(found.failures, Vec::<String>::new());
        assert!(found.answered > 20 && found.generations.len() > 6, "{found:?}");
    }
}
