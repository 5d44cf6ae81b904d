//! Many connections at once, idle, slow, or more than there are descriptors for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rekindle::control::Wait;
use rekindle_e2e::{HttpClient, Server, Settings, eventually};
use rekindle_unix::{Process, raise_descriptor_limit};

use crate::{TOLERANCE, moved_in, server, settings};

fn connect(server: &Server, clients: usize) -> Vec<HttpClient> {
    let address = server.socket_address("http");
    (0..clients).map(|_| HttpClient::connect(address).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_move_and_each_answers_after_it() {
    const CLIENTS: usize = 10_000;
    let limit = raise_descriptor_limit().unwrap();
    let enough = limit.soft.is_none_or(|limit| limit > CLIENTS as u64 + 1_000);
    assert!(enough, "this test needs more descriptors: {limit:?}");
    let server = server(&settings());
    let mut clients = connect(&server, CLIENTS);
    // Half of them are fresh, half are kept.
    ask_all(&mut clients[..CLIENTS / 2], 1);
    eventually("all are accepted", || (server.status().in_flight >= CLIENTS as u64).then_some(()));
    let begun = Instant::now();
    server.upgrade().committed();
    moved_in(&server, CLIENTS as u64);
    println!("{CLIENTS} connections moved in {:?}", begun.elapsed());
    ask_all(&mut clients, 2);
}

/// Asks all at once; each is answered by this generation.
fn ask_all(clients: &mut [HttpClient], generation: u64) {
    for client in &mut *clients {
        client.send_get("/").unwrap();
    }
    for client in clients {
        let answer = client.answer().unwrap();
        assert_eq!((answer.generation, answer.closes), (generation, false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_drip_never_hold_an_upgrade() {
    const CLIENTS: usize = 200;
    let header_read_timeout = Duration::from_secs(1);
    let settings = Settings {
        header_read_timeout: Some(header_read_timeout),
        probation: Duration::from_millis(100),
        ..settings()
    };
    let server = server(&settings);
    let mut clients = connect(&server, CLIENTS);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let drip = thread::spawn(move || {
        let _ = clients.iter_mut().map(|client| client.send(b"GET / HTTP/1.1\r\n")).count();
        while !stopped.load(Ordering::Relaxed) {
            // The scenario: a byte now and then.
            thread::sleep(Duration::from_millis(50));
            clients.retain_mut(|client| client.send(b"x").is_ok());
        }
        clients.len()
    });
    eventually("all are there", || (server.status().in_flight >= CLIENTS as u64).then_some(()));
    for _ in 0..3 {
        let old = Process::open(server.status().pid).unwrap();
        server.upgrade().committed();
        let committed = Instant::now();
        assert!(old.wait_for(header_read_timeout + TOLERANCE).unwrap(), "it is held up");
        println!("the drain took {:?}", committed.elapsed());
    }
    // And none of them is dripped into for ever, however often it has moved.
    eventually("all are cut off", || (server.status().in_flight <= 1).then_some(()));
    stop.store(true, Ordering::Relaxed);
    drip.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_move_into_a_process_that_has_too_few_descriptors() {
    const LIMIT: u64 = 50;
    let few = Settings { descriptor_limit: Some(LIMIT), ..settings() };
    let server = server(&few);
    let mut kept = connect(&server, 20);
    ask_all(&mut kept, 1);
    // The upgrade itself needs some as well: the crowd comes when it has them.
    let slow = Settings { start_delay: Duration::from_millis(500), ..few };
    let mut upgrade = server.begin_upgrade_with(Wait::Committed, &slow);
    upgrade.until("starting");
    let mut crowd = connect(&server, 100);
    for client in &mut crowd {
        client.send_get("/").unwrap();
    }
    server.wait_for_log("clients have to wait");
    upgrade.verdict().committed();
    // Those in the queue take what the new process has, and the kept ones come on top of them.
    for mut client in crowd {
        assert!(client.answer().unwrap().generation <= 2);
    }
    // None of them is lost: who found no room is told goodbye by the old process.
    kept.retain_mut(|client| {
        let answer = client.get("/").unwrap();
        assert_eq!(answer.closes, answer.generation == 1, "{answer:?}");
        if answer.closes {
            client.closed().unwrap();
        }
        !answer.closes
    });
    assert_eq!(server.status().generation, 2);
    assert_eq!(server.first_ended(), None, "it is in its probation");
    server.upgrade().committed();
    moved_in(&server, kept.len() as u64);
    ask_all(&mut kept, 3);
}
