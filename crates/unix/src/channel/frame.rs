//! Frames as they are received: their limits, the buffer that they are read into, and the check
//! that nothing was cut off. It refuses a frame of which any part is missing.

use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, ReturnFlags};

use super::ReceiveError;

/// The longest frame, in bytes.
pub const FRAME_LIMIT_BYTES: usize = 65_536;

/// The most descriptors that travel with one frame. The kernel's own limit is 253.
pub const DESCRIPTOR_LIMIT: usize = 64;

/// The room that the descriptors of one frame take, in bytes.
pub(super) const CONTROL_BYTES: usize = rustix::cmsg_space!(ScmRights(DESCRIPTOR_LIMIT));

/// Where frames are received: one for each channel that is read, to be used again and again.
pub struct FrameBuffer {
    bytes: Box<[u8]>,
    control: [MaybeUninit<u8>; CONTROL_BYTES],
}

impl FrameBuffer {
    /// Room for the largest frame.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; FRAME_LIMIT_BYTES].into_boxed_slice(),
            control: [MaybeUninit::uninit(); CONTROL_BYTES],
        }
    }

    pub(super) fn parts(&mut self) -> (&mut [u8], &mut [MaybeUninit<u8>]) {
        (&mut self.bytes, &mut self.control)
    }

    pub(super) fn filled(&self, length_bytes: usize) -> &[u8] {
        &self.bytes[..length_bytes]
    }
}

impl Default for FrameBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FrameBuffer {
    /// Without the contents: an old frame may hold what does not belong into a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FrameBuffer").finish_non_exhaustive()
    }
}

/// What came of receiving.
#[derive(Debug)]
pub enum Received<'buffer> {
    /// A whole frame.
    Frame {
        /// What it says: 1 to [`FRAME_LIMIT_BYTES`] bytes.
        bytes: &'buffer [u8],
        /// What came with it: at most [`DESCRIPTOR_LIMIT`], in the order of sending. What is not
        /// expected is simply dropped.
        descriptors: Vec<OwnedFd>,
    },
    /// The other end is closed in all processes, and all its frames are read.
    EndOfFile,
    /// No frame is there now.
    WouldBlock,
}

/// Takes the descriptors out of the control data, so that they are closed if not passed on.
pub(super) fn descriptors(control: &mut RecvAncillaryBuffer<'_>) -> Vec<OwnedFd> {
    control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect()
}

/// Whether the frame and its descriptors are all there.
///
/// The kernel has one flag for two causes: no room in the buffer, or no free descriptor number in
/// this process. In the first case the buffer is full, in the second it is not.
pub(super) fn check_whole(flags: ReturnFlags, received: usize) -> Result<(), ReceiveError> {
    if flags.contains(ReturnFlags::TRUNC) {
        return Err(ReceiveError::TooLarge);
    }
    if received > DESCRIPTOR_LIMIT {
        return Err(ReceiveError::TooManyDescriptors);
    }
    match flags.contains(ReturnFlags::CTRUNC) {
        true if received < DESCRIPTOR_LIMIT => Err(ReceiveError::DescriptorLimit { received }),
        true => Err(ReceiveError::TooManyDescriptors),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_truncation_is_told_from_the_others() {
        let (whole, trunc, ctrunc) =
            (ReturnFlags::empty(), ReturnFlags::TRUNC, ReturnFlags::CTRUNC);
        check_whole(whole, 0).unwrap();
        check_whole(whole, DESCRIPTOR_LIMIT).unwrap();
        let refused = |flags, received| check_whole(flags, received).unwrap_err();
        assert!(matches!(refused(trunc, 0), ReceiveError::TooLarge));
        assert!(matches!(refused(trunc | ctrunc, 0), ReceiveError::TooLarge));
        assert!(matches!(refused(ctrunc, 0), ReceiveError::DescriptorLimit { received: 0 }));
        assert!(matches!(refused(ctrunc, 63), ReceiveError::DescriptorLimit { received: 63 }));
        assert!(matches!(refused(ctrunc, 64), ReceiveError::TooManyDescriptors));
        // The room is rounded up, so that one more may fit without any flag.
        assert!(matches!(refused(whole, 65), ReceiveError::TooManyDescriptors));
    }

    #[test]
    fn a_buffer_shows_nothing_of_its_contents() {
        let mut buffer = FrameBuffer::default();
        buffer.parts().0.fill(b'x');
        assert_eq!(format!("{buffer:?}"), "FrameBuffer { .. }");
        assert_eq!(buffer.filled(3), b"xxx");
    }
}
