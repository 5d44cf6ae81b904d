//! The channel at its limits and against a peer that keeps to none of them.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

use rekindle_unix::{
    Channel, DESCRIPTOR_LIMIT, FRAME_LIMIT_BYTES, FrameBuffer, ReceiveError, Received, SendError,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::channel::{at_end, is_empty};
use crate::events::{Tracer, frame};

/// The kernel's own limit (`SCM_MAX_FD`).
const KERNEL_LIMIT: usize = 253;

/// Sends as a hostile peer would, past all checks.
fn send_raw(channel: &Channel, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(KERNEL_LIMIT))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors)));
    rustix::net::sendmsg(
        channel,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    )
    .unwrap();
}

fn receive_error(channel: &Channel) -> ReceiveError {
    channel.receive(&mut FrameBuffer::new()).unwrap_err()
}

#[test]
fn the_largest_frame_with_the_most_descriptors_arrives() {
    let (old, new) = Channel::pair().unwrap();
    let bytes: Vec<u8> = (0..FRAME_LIMIT_BYTES)
        .map(|place| (place % 251) as u8)
        .collect();
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
    assert!(
        matches!(
            error,
            SendError::TooLarge {
                length_bytes: 65_537
            }
        ),
        "{error}"
    );
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
fn a_channel_has_as_much_room_as_the_system_allows() {
    let allowed = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
    let allowed: usize = allowed.trim().parse().unwrap();
    let (old, new) = Channel::pair().unwrap();
    for end in [old, new] {
        // The kernel doubles what it is asked for (see `socket(7)`).
        let room = rustix::net::sockopt::socket_send_buffer_size(&end).unwrap();
        assert_eq!(room, 2 * allowed.min(8 * FRAME_LIMIT_BYTES));
    }
}

#[test]
fn several_of_the_largest_frames_wait_unread() {
    let (old, new) = Channel::pair().unwrap();
    let bytes = vec![7; FRAME_LIMIT_BYTES];
    let sent = (0..100)
        .take_while(|_| old.send(&bytes, &[]).is_ok())
        .count();
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
    for count in [
        DESCRIPTOR_LIMIT + 1,
        DESCRIPTOR_LIMIT + 2,
        100,
        KERNEL_LIMIT,
    ] {
        let (tracer, sent) = Tracer::new();
        send_raw(&old, b"x", &vec![sent.as_fd(); count]);
        drop(sent);
        assert!(tracer.is_open());
        let error = receive_error(&new);
        assert!(
            matches!(error, ReceiveError::TooManyDescriptors),
            "{count}: {error}"
        );
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
