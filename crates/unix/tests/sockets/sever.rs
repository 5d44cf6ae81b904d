//! Connections cut from another thread: those that are meant, no others, and never a descriptor
//! that has come to be somebody else's.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekindle_unix::{Registry, Severable};

fn pair(registry: &Registry) -> (Severable<UnixStream>, UnixStream) {
    let (server, client) = UnixStream::pair().unwrap();
    server.set_nonblocking(true).unwrap();
    client.set_nonblocking(true).unwrap();
    (registry.register(server), client)
}

/// Whether the client's connection still stands: nothing to read, and no end either.
fn stands(mut client: &UnixStream) -> bool {
    match client.read(&mut [0; 8]) {
        Ok(0) => false,
        Err(error) if error.kind() == ErrorKind::WouldBlock => true,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_registered_connections_are_cut_and_no_other() {
    let registry = Registry::new();
    let (servers, clients): (Vec<_>, Vec<_>) = (0..10).map(|_| pair(&registry)).unzip();
    let (_stranger, stranger_client) = pair(&Registry::new());
    assert_eq!(registry.len(), 10);
    assert!(clients.iter().all(stands));
    assert_eq!(registry.sever_all(), 10);
    assert!(!clients.iter().any(stands));
    assert!(stands(&stranger_client));
    // Both directions, and the owners learn of it.
    for server in &servers {
        assert_eq!(
            (&**server).write(b"x").unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    }
    assert_eq!(registry.len(), 10, "they are their owners' to drop");
    drop(servers);
    assert!(registry.is_empty());
}

#[test]
fn a_thread_that_waits_for_its_client_is_woken() {
    let registry = Registry::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = registry.register(listener.accept().unwrap().0);
    let (entered, entry) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        entered.send(()).unwrap();
        (&*server).read(&mut [0; 8])
    });
    entry.recv().unwrap();
    // Whether it waits already or not, the read must end.
    assert_eq!(registry.sever_all(), 1);
    assert_eq!(reader.join().unwrap().unwrap(), 0);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    assert!(registry.is_empty());
}

#[test]
fn a_connection_that_is_dropped_or_taken_out_is_no_longer_cut() {
    let registry = Registry::new();
    let (dropped, _) = pair(&registry);
    let (moved, moved_client) = pair(&registry);
    drop(dropped);
    let moved = moved.into_inner();
    assert!(registry.is_empty());
    assert_eq!(registry.sever_all(), 0);
    assert!(stands(&moved_client));
    drop(moved);
    assert!(!stands(&moved_client));
}

#[test]
fn a_replaced_connection_is_registered_in_place_of_the_first() {
    let registry = Registry::new();
    let (mut server, first_client) = pair(&registry);
    let (second, second_client) = UnixStream::pair().unwrap();
    second_client.set_nonblocking(true).unwrap();
    let first = server.with_mut(|connection| std::mem::replace(connection, second));
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.sever_all(), 1);
    assert!(stands(&first_client), "the one that was taken out was cut");
    assert!(
        !stands(&second_client),
        "the one that was put in was not cut"
    );
    drop(first);
}

#[test]
fn a_cut_that_comes_during_an_exclusive_use_is_made_after_it() {
    let registry = Registry::new();
    let (mut server, client) = pair(&registry);
    server.with_mut(|_| {
        assert_eq!(registry.sever_all(), 1);
        assert!(
            stands(&client),
            "it was cut while it was somebody's exclusively"
        );
    });
    assert!(!stands(&client));
    // The note is not kept for the next use.
    let (fresh, fresh_client) = UnixStream::pair().unwrap();
    fresh_client.set_nonblocking(true).unwrap();
    server.with_mut(|connection| *connection = fresh);
    assert!(stands(&fresh_client));
}

#[test]
fn a_panic_during_an_exclusive_use_leaves_the_connection_registered() {
    let registry = Registry::new();
    let (mut server, client) = pair(&registry);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        server.with_mut(|_| panic!("expected by the test"));
    }));
    assert!(outcome.is_err());
    assert!(stands(&client));
    assert_eq!(registry.sever_all(), 1);
    assert!(!stands(&client));
}

#[test]
fn what_is_not_connected_is_passed_over() {
    let registry = Registry::new();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let _unconnected = registry.register(UdpSocket::bind("127.0.0.1:0").unwrap());
    let _pipe = registry.register(pipe);
    let (live, client) = pair(&registry);
    assert_eq!(registry.len(), 3);
    assert_eq!(registry.sever_all(), 1);
    assert!(!stands(&client));
    drop(live);
}

#[test]
fn a_connection_whose_client_is_gone_does_no_harm() {
    let registry = Registry::new();
    let (_gone, client) = pair(&registry);
    drop(client);
    let (_live, client) = pair(&registry);
    registry.sever_all();
    registry.sever_all();
    assert!(!stands(&client));
}

#[test]
fn a_listener_is_never_cut() {
    let registry = Registry::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = listener.local_addr().unwrap();
    let listener = registry.register(listener);
    assert_eq!(registry.sever_all(), 0);
    TcpStream::connect(local).expect("the listener was shut down");
    drop(listener);
}

#[test]
fn a_forgotten_connection_is_cut_as_any_other() {
    let registry = Registry::new();
    let (server, client) = pair(&registry);
    std::mem::forget(server);
    assert_eq!(registry.sever_all(), 1);
    assert!(!stands(&client));
}

#[test]
fn clones_are_one_registry() {
    let registry = Registry::new();
    let (_server, client) = pair(&registry.clone());
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.clone().sever_all(), 1);
    assert!(!stands(&client));
}

#[test]
fn shared_connections_count_for_each_registration() {
    let registry = Registry::new();
    let (server, client) = UnixStream::pair().unwrap();
    client.set_nonblocking(true).unwrap();
    let server = Arc::new(server);
    let registrations: Vec<_> = (0..3)
        .map(|_| registry.register(Arc::clone(&server)))
        .collect();
    assert_eq!(registry.len(), 3);
    registry.sever_all();
    assert!(!stands(&client));
    drop(registrations);
    assert!(registry.is_empty());
}

/// Connections come and go, and numbers with them, while others are cut: whoever is not
/// registered at that moment must never be hit.
#[test]
fn cutting_while_connections_come_and_go_hits_no_bystander() {
    let registry = Registry::new();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            let mut cuts = 0;
            while !ended.load(Ordering::Relaxed) {
                cuts += registry.sever_all();
            }
            cuts
        });
        let workers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..3_000 {
                        let (server, _client) = pair(&registry);
                        let server = server.into_inner();
                        drop(server);
                        let (mut bystander, mut client) = UnixStream::pair().unwrap();
                        client.write_all(b"x").unwrap();
                        let mut heard = [0];
                        bystander.read_exact(&mut heard).unwrap();
                        bystander.write_all(b"y").unwrap();
                        client.read_exact(&mut heard).unwrap();
                        let (mut server, _client) = pair(&registry);
                        server.with_mut(|connection| *connection = bystander);
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        ended.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok), "a bystander was cut");
        assert!(
            cutter.join().unwrap() > 0,
            "nothing was cut, so nothing was tried"
        );
    });
    assert!(registry.is_empty());
}

#[test]
fn a_severable_shows_its_connection_and_nothing_of_the_registry() {
    let registry = Registry::new();
    let (server, _client) = pair(&registry);
    let text = format!("{server:?}");
    assert!(text.starts_with("Severable(UnixStream"), "{text}");
}
