//! Processes that have no descriptor left, or as many as they can have.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use rekindle_unix::{
    AcceptError, BindError, BindOptions, Channel, ChannelListener, FrameBuffer, ReceiveError,
    Registry, SendError, Severable, bind,
};
use rustix::process::{Resource, Rlimit};

use crate::child::{in_own_process, in_own_process_as_user};
use crate::events::{Tracer, frame};

fn lower_descriptor_limit(to: u64) {
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: Some(to), maximum };
    rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
}

/// The limit under which exactly `count` more descriptors can be opened: numbers are given out
/// from the lowest, so those up to the limit must all be taken but these.
fn leave_room_for(count: u64) -> Vec<OwnedFd> {
    let mut fillers: Vec<OwnedFd> = Vec::new();
    let highest = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse::<u64>().unwrap())
        .max()
        .unwrap();
    lower_descriptor_limit(highest + 1);
    while let Ok(filler) = std::fs::File::open("/dev/null") {
        fillers.push(filler.into());
    }
    lower_descriptor_limit(highest + 1 + count);
    fillers
}

#[test]
fn a_process_without_free_descriptors_is_told_so() {
    in_own_process("descriptor_limit::a_process_without_free_descriptors_is_told_so", || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let limit = Rlimit { current: Some(0), maximum: Some(0) };
        rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
        for text in ["127.0.0.1:0", &format!("unix:{}", path.display())] {
            let error = bind(&text.parse().unwrap(), &BindOptions::new()).unwrap_err();
            assert!(matches!(error, BindError::DescriptorLimit { .. }), "{error}");
        }
        assert!(!path.exists());
    });
}

#[test]
fn a_full_descriptor_table_is_told_from_a_hostile_peer() {
    in_own_process("descriptor_limit::a_full_descriptor_table_is_told_from_a_hostile_peer", || {
        let (old, new) = Channel::pair().unwrap();
        for room in [0, 1, 5] {
            let (tracer, sent) = Tracer::new();
            old.send(b"x", &[sent.as_fd(); 8]).unwrap();
            drop(sent);
            let fillers = leave_room_for(room);
            let error = new.receive(&mut FrameBuffer::new()).unwrap_err();
            let told = matches!(
                error,
                ReceiveError::DescriptorLimit { received } if received as u64 == room
            );
            assert!(told, "room for {room}: {error}");
            assert!(error.to_string().contains("descriptor limit reached"), "{error}");
            drop(fillers);
            lower_descriptor_limit(1024);
            assert!(!tracer.is_open(), "room for {room}");
        }
        // The channel itself is not harmed.
        old.send(b"next", &[]).unwrap();
        assert_eq!(frame(&new).0, b"next");
    });
}

#[test]
fn a_rendezvous_without_free_descriptors_keeps_its_guests_waiting() {
    in_own_process(
        "descriptor_limit::a_rendezvous_without_free_descriptors_keeps_its_guests_waiting",
        || {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("x.sock");
            let listener = ChannelListener::bind(&path).unwrap();
            let guest = Channel::connect(&path).unwrap();
            let fillers = leave_room_for(0);
            let error = listener.accept().unwrap_err();
            assert!(matches!(error, AcceptError::DescriptorLimit { .. }), "{error}");
            drop(fillers);
            let host = listener.accept().unwrap().unwrap();
            guest.send(b"at last", &[]).unwrap();
            assert_eq!(frame(&host).0, b"at last");
        },
    );
}

/// The kernel bounds how many descriptors an ordinary user has under way (`ETOOMANYREFS`).
#[test]
fn descriptors_under_way_are_bounded_and_sending_goes_on_when_they_arrive() {
    in_own_process_as_user(
        "descriptor_limit::descriptors_under_way_are_bounded_and_sending_goes_on_when_they_arrive",
        || {
            let (old, new) = Channel::pair().unwrap();
            let (_tracer, sent) = Tracer::new();
            let batch = [sent.as_fd(); 50];
            lower_descriptor_limit(200);
            let sends = (0..1000).take_while(|_| old.send(b"x", &batch).is_ok()).count();
            assert!(sends < 100, "the kernel let {sends} batches under way");
            let error = old.send(b"x", &batch).unwrap_err();
            assert!(matches!(error, SendError::WouldBlock), "{error}");
            // It is the descriptors that have no room: a frame without them has.
            old.send(b"x", &[]).unwrap();
            for _ in 0..sends {
                assert_eq!(frame(&new).1.len(), 50);
            }
            old.send(b"x", &batch).unwrap();
        },
    );
}

/// One descriptor a connection: datagram sockets that are all connected to the same one.
#[test]
fn ten_thousand_connections_are_cut_at_once() {
    const CONNECTIONS: usize = 10_000;
    in_own_process("descriptor_limit::ten_thousand_connections_are_cut_at_once", || {
        let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
        if maximum.is_some_and(|maximum| maximum < CONNECTIONS as u64 + 100) {
            eprintln!("skipped: this user may have {maximum:?} descriptors open at most");
            return;
        }
        let limit = Rlimit { current: maximum, maximum };
        rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let _server = UnixDatagram::bind(&path).unwrap();
        let registry = Registry::new();
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let socket = UnixDatagram::unbound().unwrap();
                socket.connect(&path).unwrap();
                socket.set_nonblocking(true).unwrap();
                registry.register(socket)
            })
            .collect();
        // The server reads nothing: a send that is not refused finds its queue full at worst.
        let is_cut = |socket: &Severable<UnixDatagram>| match socket.send(b"x") {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Ok(1) => false,
            other => panic!("{other:?}"),
        };
        assert!(!connections.iter().any(is_cut));
        assert_eq!(registry.len(), CONNECTIONS);
        assert_eq!(registry.sever_all(), CONNECTIONS);
        assert!(connections.iter().all(is_cut));
        drop(connections);
        assert!(registry.is_empty());
    });
}
