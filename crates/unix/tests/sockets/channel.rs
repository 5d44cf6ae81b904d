//! The channel: frames and their descriptors, its ends, its rendezvous.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rekindle_unix::{
    Address, BindError, BindOptions, Channel, ChannelError, ChannelListener, ConnectError,
    FrameBuffer, Identity, PeerCredentials, Received, SendError, SocketKind, UnixName, bind,
};
use rustix::fs::OFlags;
use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::events::{Tracer, frame, wait_readable};

pub(crate) fn at_end(channel: &Channel) -> bool {
    matches!(channel.receive(&mut FrameBuffer::new()).unwrap(), Received::EndOfFile)
}

pub(crate) fn is_empty(channel: &Channel) -> bool {
    matches!(channel.receive(&mut FrameBuffer::new()).unwrap(), Received::WouldBlock)
}

fn assert_inherits_nothing_and_never_waits(descriptor: impl AsFd) {
    assert!(rustix::io::fcntl_getfd(&descriptor).unwrap().contains(FdFlags::CLOEXEC));
    assert!(rustix::fs::fcntl_getfl(&descriptor).unwrap().contains(OFlags::NONBLOCK));
}

#[test]
fn frames_arrive_whole_in_order_and_apart() {
    let (old, new) = Channel::pair().unwrap();
    let frames: [&[u8]; 4] = [b"a", b"", b"bc", &[0; 1000]];
    for bytes in frames.iter().filter(|bytes| !bytes.is_empty()) {
        old.send(bytes, &[]).unwrap();
    }
    assert_eq!(frame(&new).0, b"a");
    assert_eq!(frame(&new).0, b"bc");
    assert_eq!(frame(&new).0, [0; 1000]);
    assert!(is_empty(&new));
    new.send(b"and back", &[]).unwrap();
    assert_eq!(frame(&old).0, b"and back");
}

#[test]
fn both_ends_are_close_on_exec_and_non_blocking() {
    let (old, new) = Channel::pair().unwrap();
    assert_inherits_nothing_and_never_waits(&old);
    assert_inherits_nothing_and_never_waits(&new);
}

#[test]
fn descriptors_stay_with_their_frame_and_in_their_order() {
    let (old, new) = Channel::pair().unwrap();
    let files: Vec<_> = (0..5).map(|_| tempfile::tempfile().unwrap()).collect();
    let identities: Vec<_> =
        files.iter().map(|file| Identity::of_descriptor(file).unwrap()).collect();
    old.send(b"none", &[]).unwrap();
    old.send(b"three", &[files[0].as_fd(), files[1].as_fd(), files[2].as_fd()]).unwrap();
    old.send(b"two", &[files[3].as_fd(), files[4].as_fd()]).unwrap();
    assert!(frame(&new).1.is_empty());
    for (bytes, expected) in [(b"three".as_slice(), &identities[..3]), (b"two", &identities[3..])] {
        let (found, descriptors) = frame(&new);
        assert_eq!(found, bytes);
        let received: Vec<_> =
            descriptors.iter().map(|found| Identity::of_descriptor(found).unwrap()).collect();
        assert_eq!(received, expected);
        for descriptor in &descriptors {
            assert!(rustix::io::fcntl_getfd(descriptor).unwrap().contains(FdFlags::CLOEXEC));
        }
    }
    // The sender's own stay open.
    files[0].metadata().unwrap();
}

#[test]
fn a_buffer_is_used_again_without_a_trace_of_the_last_frame() {
    let (old, new) = Channel::pair().unwrap();
    let mut buffer = FrameBuffer::new();
    let (tracer, sent) = Tracer::new();
    old.send(b"a long frame", &[sent.as_fd()]).unwrap();
    old.send(b"short", &[]).unwrap();
    drop(sent);
    drop(new.receive(&mut buffer).unwrap());
    assert!(!tracer.is_open(), "a descriptor that was not expected stayed open");
    let Received::Frame { bytes, descriptors } = new.receive(&mut buffer).unwrap() else {
        panic!("the second frame is missing");
    };
    assert_eq!(bytes, b"short");
    assert!(descriptors.is_empty());
}

#[test]
fn the_end_comes_after_the_last_frame() {
    let (old, new) = Channel::pair().unwrap();
    old.send(b"farewell", &[]).unwrap();
    drop(old);
    assert_eq!(frame(&new).0, b"farewell");
    assert!(at_end(&new));
    assert!(at_end(&new), "the end must stay the end");
}

/// The kernel announces a reset ahead of the frames if the peer had not read all of ours.
#[test]
fn frames_of_a_peer_that_read_nothing_are_not_lost() {
    let (old, new) = Channel::pair().unwrap();
    new.send(b"never read", &[]).unwrap();
    old.send(b"one", &[]).unwrap();
    old.send(b"two", &[]).unwrap();
    drop(old);
    assert_eq!(frame(&new).0, b"one");
    assert_eq!(frame(&new).0, b"two");
    assert!(at_end(&new));
}

#[test]
fn a_reset_without_frames_is_the_end() {
    let (old, new) = Channel::pair().unwrap();
    new.send(b"never read", &[]).unwrap();
    drop(old);
    assert!(at_end(&new));
}

#[test]
fn the_end_wakes_a_waiting_reader() {
    let (old, new) = Channel::pair().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            wait_readable(&new);
            at_end(&new)
        });
        drop(old);
        assert!(reader.join().unwrap());
    });
}

#[test]
fn a_copy_of_an_end_keeps_it_open() {
    let (old, new) = Channel::pair().unwrap();
    let copy = old.as_fd().try_clone_to_owned().unwrap();
    drop(old);
    assert!(is_empty(&new));
    drop(copy);
    assert!(at_end(&new));
}

#[test]
fn an_inherited_end_is_made_what_it_must_be() {
    let (one, other) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::empty(),
        None,
    )
    .unwrap();
    sockopt::set_socket_passcred(&one, true).unwrap();
    let channel = Channel::from_owned(one).unwrap();
    assert_inherits_nothing_and_never_waits(&channel);
    assert!(!sockopt::socket_passcred(&channel).unwrap());
    let other = Channel::from_owned(other).unwrap();
    other.send(b"x", &[]).unwrap();
    assert_eq!(frame(&channel).0, b"x");
    assert!(OwnedFd::from(channel).as_fd().try_clone_to_owned().is_ok());
}

#[test]
fn an_end_whose_other_is_gone_is_still_an_end() {
    let (old, new) = Channel::pair().unwrap();
    old.send(b"farewell", &[]).unwrap();
    drop(old);
    let new = Channel::from_owned(new.into()).unwrap();
    assert_eq!(frame(&new).0, b"farewell");
    assert!(at_end(&new));
}

#[test]
fn what_is_no_end_of_a_channel_is_refused_and_closed() {
    let kind_of = |descriptor: OwnedFd| match Channel::from_owned(descriptor).unwrap_err() {
        ChannelError::Kind { found } => found,
        error => panic!("{error}"),
    };
    let (stream, _) = UnixStream::pair().unwrap();
    assert_eq!(kind_of(stream.into()), SocketKind::UnixStream);
    assert_eq!(kind_of(tempfile::tempfile().unwrap().into()), SocketKind::Other);
    let (tracer, pipe) = Tracer::new();
    assert_eq!(kind_of(pipe), SocketKind::Other);
    assert!(!tracer.is_open());
    let unconnected = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let error = Channel::from_owned(unconnected).unwrap_err();
    assert!(matches!(error, ChannelError::NotConnected), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let listener = ChannelListener::bind(&directory.path().join("x.sock")).unwrap();
    let error = Channel::from_owned(listener.into()).unwrap_err();
    assert!(matches!(error, ChannelError::NotConnected), "{error}");
}

#[test]
fn an_end_that_somebody_made_blocking_never_waits() {
    let (old, new) = Channel::pair().unwrap();
    rustix::io::ioctl_fionbio(&new, false).unwrap();
    rustix::io::ioctl_fionbio(&old, false).unwrap();
    assert!(is_empty(&new));
    let full = std::iter::repeat_with(|| old.send(&[0; 60_000], &[])).find(Result::is_err);
    assert!(matches!(full, Some(Err(SendError::WouldBlock))), "{full:?}");
}

#[test]
fn a_rendezvous_joins_two_channels() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let listener = ChannelListener::bind(&path).unwrap();
    assert_inherits_nothing_and_never_waits(&listener);
    assert!(listener.accept().unwrap().is_none());
    let new = Channel::connect(&path).unwrap();
    wait_readable(&listener);
    let old = listener.accept().unwrap().unwrap();
    assert!(listener.accept().unwrap().is_none());
    assert_inherits_nothing_and_never_waits(&new);
    assert_inherits_nothing_and_never_waits(&old);
    let (tracer, sent) = Tracer::new();
    old.send(b"hello", &[sent.as_fd()]).unwrap();
    drop(sent);
    let (bytes, descriptors) = frame(&new);
    assert_eq!(bytes, b"hello");
    assert!(tracer.is_open());
    drop(descriptors);
    assert!(!tracer.is_open());
    let own = PeerCredentials::of(&new).unwrap();
    assert_eq!(old.peer().unwrap(), own);
    assert_eq!(new.peer().unwrap().pid, Some(std::process::id()));
}

#[test]
fn a_rendezvous_is_the_owners_alone_and_replaces_a_dead_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    drop(ChannelListener::bind(&path).unwrap());
    assert!(path.exists(), "the path is not the listener's to remove");
    let listener = ChannelListener::bind(&path).unwrap();
    let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let error = ChannelListener::bind(&path).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error}");
    drop(listener);
}

#[test]
fn an_inherited_rendezvous_is_checked_and_serves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let socket: OwnedFd = ChannelListener::bind(&path).unwrap().into();
    rustix::io::fcntl_setfd(&socket, FdFlags::empty()).unwrap();
    rustix::io::ioctl_fionbio(&socket, false).unwrap();
    // As a socket unit with `PassCredentials=yes` makes it.
    sockopt::set_socket_passcred(&socket, true).unwrap();
    let listener = ChannelListener::from_owned(socket).unwrap();
    assert_inherits_nothing_and_never_waits(&listener);
    let _client = Channel::connect(&path).unwrap();
    let accepted = listener.accept().unwrap().unwrap();
    assert!(!sockopt::socket_passcred(&accepted).unwrap());

    let (end, _other) = Channel::pair().unwrap();
    let error = ChannelListener::from_owned(end.into()).unwrap_err();
    assert!(matches!(error, ChannelError::NotListening), "{error}");
    let stream = UnixListener::bind(directory.path().join("stream.sock")).unwrap();
    let error = ChannelListener::from_owned(stream.into()).unwrap_err();
    assert!(matches!(error, ChannelError::Kind { found: SocketKind::UnixStream }), "{error}");
}

#[test]
fn who_cannot_be_met_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let refused = |path: &Path| Channel::connect(path).unwrap_err();
    let missing = refused(&path("missing"));
    assert!(matches!(missing, ConnectError::NotFound { .. }), "{missing}");
    drop(ChannelListener::bind(&path("dead")).unwrap());
    let dead = refused(&path("dead"));
    assert!(matches!(dead, ConnectError::Refused { .. }), "{dead}");
    let _stream = UnixListener::bind(path("stream")).unwrap();
    let stream = refused(&path("stream"));
    assert!(matches!(stream, ConnectError::Kind { .. }), "{stream}");
    let address = Address::UnixSeqpacket(UnixName::Path(path("busy")));
    let _listener = bind(&address, &BindOptions::new().backlog(0)).unwrap();
    let _first = Channel::connect(&path("busy")).unwrap();
    let busy = refused(&path("busy"));
    assert!(matches!(busy, ConnectError::Busy { .. }), "{busy}");
    let long = refused(Path::new(&"x".repeat(109)));
    assert!(matches!(long, ConnectError::Other { .. }), "{long}");
    for error in [missing, dead, stream, busy, long] {
        assert!(error.to_string().starts_with("connect to `"), "{error}");
    }
}

#[test]
fn a_channel_end_travels_over_a_channel() {
    let (old, broker) = Channel::pair().unwrap();
    let (one, other) = Channel::pair().unwrap();
    one.send(b"before", &[]).unwrap();
    broker.send(b"end", &[other.as_fd()]).unwrap();
    drop(other);
    one.send(b"on its way", &[]).unwrap();
    let received = frame(&old).1.pop().unwrap();
    let received = Channel::from_owned(received).unwrap();
    assert_eq!(frame(&received).0, b"before");
    assert_eq!(frame(&received).0, b"on its way");
    received.send(b"answer", &[]).unwrap();
    assert_eq!(frame(&one).0, b"answer");
}

#[test]
fn connections_of_every_sort_travel() {
    let (old, new) = Channel::pair().unwrap();
    let (mut client, server) = UnixStream::pair().unwrap();
    client.write_all(b"sent before the move").unwrap();
    let borrowed: [BorrowedFd<'_>; 1] = [server.as_fd()];
    old.send(b"moved", &borrowed).unwrap();
    drop(server);
    let mut moved = UnixStream::from(frame(&new).1.pop().unwrap());
    let mut heard = [0; 20];
    moved.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"sent before the move");
    drop(moved);
    assert_eq!(client.read(&mut heard).unwrap(), 0);
    assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}
