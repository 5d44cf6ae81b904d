//! Kept connections over TLS: each one's end is announced, by the answer before it or by
//! `close_notify`.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rekindle::control::Wait;
use rekindle_e2e::{Certificate, Ended, Settings, TlsClients, eventually};
use rekindle_unix::Signal;
use rustls::version::TLS13;

use crate::{server, settings};

/// How much later than its deadline something may happen on a busy machine. Never earlier.
const TOLERANCE: Duration = Duration::from_millis(500);

/// How long a client rests between two requests.
const PAUSE: Duration = Duration::from_millis(2);

/// What one client with a kept connection has seen.
#[derive(Debug, Default)]
struct Seen {
    goodbyes: AtomicU64,
    latest: AtomicU64,
}

impl Seen {
    /// Asks on one connection until the server says goodbye on it, then on the next, until it is
    /// told to end. Whatever else ends a connection is an error.
    fn keep_asking(
        &self,
        clients: &TlsClients,
        address: SocketAddr,
        is_over: &AtomicBool,
    ) -> io::Result<()> {
        while !is_over.load(Ordering::SeqCst) {
            let mut client = clients.connect(address)?;
            while !is_over.load(Ordering::SeqCst) {
                let answer = client.get("/")?;
                self.latest.store(answer.generation, Ordering::SeqCst);
                if answer.closes {
                    self.goodbyes.fetch_add(1, Ordering::SeqCst);
                    client.closed()?;
                    break;
                }
                // Leaves a small machine time for the upgrades.
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}

#[test]
fn kept_connections_lose_no_request_through_ten_upgrades() {
    const CLIENTS: usize = 8;
    const UPGRADES: u64 = 10;
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let seen: [Seen; CLIENTS] = Default::default();
    let is_over = AtomicBool::new(false);
    let ask = |one: &Seen| one.keep_asking(&clients, address, &is_over);
    thread::scope(|scope| {
        let asking: Vec<_> = seen.iter().map(|one| scope.spawn(|| ask(one))).collect();
        for generation in 1..=1 + UPGRADES {
            if generation > 1 {
                server.upgrade().committed();
            }
            eventually("each client is answered by the new generation", || {
                let failed = asking.iter().any(|one| one.is_finished());
                let latest = |one: &Seen| one.latest.load(Ordering::SeqCst);
                (failed || seen.iter().all(|one| latest(one) == generation)).then_some(())
            });
        }
        is_over.store(true, Ordering::SeqCst);
        for one in asking {
            one.join().unwrap().unwrap();
        }
    });
    for one in &seen {
        assert!(one.goodbyes.load(Ordering::SeqCst) >= UPGRADES, "{one:?}");
    }
}

#[test]
fn an_idle_connection_is_closed_at_the_deadline_with_close_notify() {
    let drain_timeout = Duration::from_secs(1);
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, Settings { drain_timeout, ..settings() });
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let mut idle = clients.connect(address).unwrap();
    idle.get("/").unwrap();
    let since = Instant::now();
    server.upgrade().committed();
    idle.closed().unwrap();
    let took = since.elapsed();
    assert!(took >= drain_timeout && took < drain_timeout + TOLERANCE, "{took:?}");
    assert_eq!(server.first_end(), Ended::Exited(0), "nothing was lost");
}

#[test]
fn a_connection_that_was_idle_is_served_once_more_while_the_old_process_drains() {
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let mut idle = clients.connect(address).unwrap();
    idle.get("/").unwrap();
    let mut silent = clients.connect(address).unwrap();
    silent.handshake().unwrap();
    server.upgrade().committed();
    for client in [&mut idle, &mut silent] {
        eventually("it says goodbye", || {
            let answer = client.get("/").unwrap();
            assert_eq!(answer.generation, 1);
            answer.closes.then_some(())
        });
        client.closed().unwrap();
    }
    assert_eq!(server.first_end(), Ended::Exited(0), "nothing was cut");
}

#[test]
fn a_connection_that_was_not_told_goodbye_stays_after_a_roll_back() {
    let certificate = Certificate::new();
    let long = Settings { probation: Duration::from_secs(600), ..settings() };
    let (server, address) = server(&certificate, long);
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let mut kept = clients.connect(address).unwrap();
    kept.get("/").unwrap();
    let verdict = server.begin_upgrade(Wait::Committed).verdict().committed();
    server.signal(verdict.pid, Signal::Kill);
    eventually("the old one serves again", || {
        let mut client = clients.connect(address).ok()?;
        (client.get("/").ok()?.generation == 1).then_some(())
    });
    for _ in 0..3 {
        let answer = kept.get("/").unwrap();
        assert!(answer.generation == 1 && !answer.closes, "{answer:?}");
    }
}

#[test]
fn a_stop_closes_idle_connections_with_close_notify_and_lets_an_answer_finish() {
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let mut idle = clients.connect(address).unwrap();
    idle.get("/").unwrap();
    let mut busy = clients.connect(address).unwrap();
    busy.get("/").unwrap();
    busy.send_get("/slow?ms=500").unwrap();
    server.wait_for_log("asked to wait 500 ms");
    server.signal(server.first_pid(), Signal::Term);
    idle.closed().unwrap();
    let answer = busy.answer().unwrap();
    assert!(answer.closes);
    busy.closed().unwrap();
    assert_eq!(server.first_end(), Ended::Exited(0));
}
