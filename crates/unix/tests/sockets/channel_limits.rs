//! The channel at its limits and against a peer that keeps to none of them.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rekindle_unix::{
    AcceptError, Channel, ChannelListener, DESCRIPTOR_LIMIT, FRAME_LIMIT_BYTES, FrameBuffer,
    ReceiveError, Received, SendError,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::{Resource, Rlimit};

use crate::channel::{at_end, frame, is_empty};
use crate::support::{Tracer, in_own_process, in_own_process_as_user};

/// The kernel's own limit (`SCM_MAX_FD`).
const KERNEL_LIMIT: usize = 253;

/// Sends as a hostile peer would, past all checks.
fn send_raw(channel: &Channel, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(KERNEL_LIMIT))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors)));
    rustix::net::sendmsg(channel, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
        .unwrap();
}

fn receive_error(channel: &Channel) -> ReceiveError {
    channel.receive(&mut FrameBuffer::new()).unwrap_err()
}

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
fn the_largest_frame_with_the_most_descriptors_arrives() {
    let (old, new) = Channel::pair().unwrap();
    let bytes: Vec<u8> = (0..FRAME_LIMIT_BYTES).map(|place| (place % 251) as u8).collect();
    let (tracer, sent) = Tracer::new();
    let descriptors = vec![sent.as_fd(); DESCRIPTOR_LIMIT];
    old.send(&bytes, &descriptors).unwrap();
    drop(sent);
    let (found, received) = frame(&new);
    assert!(found == bytes, "the frame was changed on its way");
    assert_eq!(received.len(), DESCRIPTOR_LIMIT);
    assert!(tracer.is_open());
    drop(received);
    assert!(!tracer.is_open());
}

#[test]
fn what_is_over_a_limit_is_not_sent() {
    let (old, new) = Channel::pair().unwrap();
    let (tracer, sent) = Tracer::new();
    let error = old.send(&vec![0; FRAME_LIMIT_BYTES + 1], &[]).unwrap_err();
    assert!(matches!(error, SendError::TooLarge { length_bytes: 65_537 }), "{error}");
    for count in [DESCRIPTOR_LIMIT + 1, KERNEL_LIMIT, 10_000] {
        let error = old.send(b"x", &vec![sent.as_fd(); count]).unwrap_err();
        let told = matches!(error, SendError::TooManyDescriptors { count: told } if told == count);
        assert!(told, "{error}");
    }
    let error = old.send(b"", &[sent.as_fd()]).unwrap_err();
    assert!(matches!(error, SendError::Empty), "{error}");
    drop(sent);
    assert!(!tracer.is_open());
    assert!(is_empty(&new));
}

#[test]
fn several_of_the_largest_frames_wait_unread() {
    let (old, new) = Channel::pair().unwrap();
    let bytes = vec![7; FRAME_LIMIT_BYTES];
    let sent = (0..100).take_while(|_| old.send(&bytes, &[]).is_ok()).count();
    assert!(sent >= 4, "only {sent} full frames fit");
    assert!(sent < 100, "a channel must not hold any number of frames");
    let full = old.send(&bytes, &[]).unwrap_err();
    assert!(matches!(full, SendError::WouldBlock), "{full}");
    assert_eq!(frame(&new).0.len(), FRAME_LIMIT_BYTES);
    old.send(&bytes, &[]).unwrap();
    for _ in 0..sent {
        assert_eq!(frame(&new).0.len(), FRAME_LIMIT_BYTES);
    }
    assert!(is_empty(&new));
}

#[test]
fn an_oversized_frame_is_refused_and_its_descriptors_are_closed() {
    let (old, new) = Channel::pair().unwrap();
    for length_bytes in [FRAME_LIMIT_BYTES + 1, 2 * FRAME_LIMIT_BYTES] {
        let (tracer, sent) = Tracer::new();
        send_raw(&old, &vec![0; length_bytes], &[sent.as_fd(); 3]);
        drop(sent);
        assert!(tracer.is_open());
        let error = receive_error(&new);
        assert!(matches!(error, ReceiveError::TooLarge), "{error}");
        assert!(!tracer.is_open());
    }
    // The kernel dropped the rest of it, and does not take that for the next frame.
    assert!(is_empty(&new));
}

#[test]
fn too_many_descriptors_are_refused_and_closed() {
    let (old, new) = Channel::pair().unwrap();
    for count in [DESCRIPTOR_LIMIT + 1, DESCRIPTOR_LIMIT + 2, 100, KERNEL_LIMIT] {
        let (tracer, sent) = Tracer::new();
        send_raw(&old, b"x", &vec![sent.as_fd(); count]);
        drop(sent);
        assert!(tracer.is_open());
        let error = receive_error(&new);
        assert!(matches!(error, ReceiveError::TooManyDescriptors), "{count}: {error}");
        assert!(!tracer.is_open(), "{count}");
    }
}

#[test]
fn an_empty_packet_is_the_end_and_its_descriptors_are_closed() {
    let (old, new) = Channel::pair().unwrap();
    let (tracer, sent) = Tracer::new();
    send_raw(&old, b"", &[sent.as_fd()]);
    drop(sent);
    assert!(at_end(&new));
    assert!(!tracer.is_open());
}

#[test]
fn a_full_descriptor_table_is_told_from_a_hostile_peer() {
    in_own_process("channel_limits::a_full_descriptor_table_is_told_from_a_hostile_peer", || {
        let (old, new) = Channel::pair().unwrap();
        for room in [0, 1, 5] {
            let (tracer, sent) = Tracer::new();
            old.send(b"x", &[sent.as_fd(); 8]).unwrap();
            drop(sent);
            let fillers = leave_room_for(room);
            let error = receive_error(&new);
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
        "channel_limits::a_rendezvous_without_free_descriptors_keeps_its_guests_waiting",
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
        "channel_limits::descriptors_under_way_are_bounded_and_sending_goes_on_when_they_arrive",
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

#[test]
fn any_bytes_are_a_frame() {
    let (old, new) = Channel::pair().unwrap();
    let mut buffer = FrameBuffer::new();
    for length_bytes in [1, 2, 3, 4, 7, 8, 9, 4095, 4096, 4097, 65_535, 65_536] {
        let sent = vec![0xa5; length_bytes];
        old.send(&sent, &[]).unwrap();
        let Received::Frame { bytes, .. } = new.receive(&mut buffer).unwrap() else {
            panic!("no frame of {length_bytes} bytes");
        };
        assert!(bytes == sent, "{length_bytes}");
    }
}
