//! What tests of both sorts wait for and watch: descriptors that become readable, frames that
//! arrive, copies of a descriptor that are closed. It refuses to wait without a limit.

use std::io::{PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rekindle_unix::{Channel, FrameBuffer, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long any event may take before its test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until the descriptor is readable, or at its end.
pub(crate) fn wait_readable(descriptor: impl AsFd) {
    let mut entries = [PollFd::new(&descriptor, PollFlags::IN)];
    let deadline = Timespec::try_from(DEADLINE).unwrap();
    assert_eq!(poll(&mut entries, Some(&deadline)).unwrap(), 1, "nothing came in time");
}

/// The next frame, copied; panics if there is none.
pub(crate) fn frame(channel: &Channel) -> (Vec<u8>, Vec<OwnedFd>) {
    match channel.receive(&mut FrameBuffer::new()).unwrap() {
        Received::Frame { bytes, descriptors } => (bytes.to_vec(), descriptors),
        nothing => panic!("{nothing:?}"),
    }
}

/// A descriptor to send away, and a watch over all its copies.
#[derive(Debug)]
pub(crate) struct Tracer {
    reader: PipeReader,
}

impl Tracer {
    pub(crate) fn new() -> (Self, OwnedFd) {
        let (reader, writer): (_, PipeWriter) = std::io::pipe().unwrap();
        (Self { reader }, writer.into())
    }

    /// Whether any copy of the descriptor is open anywhere, even within a socket's queue.
    pub(crate) fn is_open(&self) -> bool {
        let mut entries = [PollFd::new(&self.reader, PollFlags::IN)];
        poll(&mut entries, Some(&Timespec::default())).unwrap() == 0
    }
}
