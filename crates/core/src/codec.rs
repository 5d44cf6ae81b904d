//! Messages as bytes: one CBOR value a frame, bounded in both directions.

use alloc::vec::Vec;

use crate::message::Message;
use crate::text::Text;

/// The most bytes in a frame.
pub const FRAME_LIMIT_BYTES: usize = 64 * 1024;

/// The frame that carries `message`.
///
/// # Errors
///
/// If it would be longer than [`FRAME_LIMIT_BYTES`].
pub fn encode(message: &Message) -> Result<Vec<u8>, EncodeError> {
    let frame = minicbor::to_vec(message).expect("a vector takes every byte");
    if frame.len() > FRAME_LIMIT_BYTES {
        return Err(EncodeError { message: message.name(), length_bytes: frame.len() });
    }
    Ok(frame)
}

/// The message in `frame`, which came with `descriptors` descriptors.
///
/// # Errors
///
/// If the frame is too long, is no message of ours, has bytes left over, or if the number of
/// descriptors is not the one that the message needs.
pub fn decode(frame: &[u8], descriptors: usize) -> Result<Message, DecodeError> {
    if frame.len() > FRAME_LIMIT_BYTES {
        return Err(DecodeError::TooLong { length_bytes: frame.len() });
    }
    let mut decoder = minicbor::Decoder::new(frame);
    let message: Message =
        decoder.decode().map_err(|error| DecodeError::NotAMessage { error: Text::of(error) })?;
    let left_over_bytes = frame.len() - decoder.position();
    if left_over_bytes > 0 {
        return Err(DecodeError::LeftOver { message: message.name(), left_over_bytes });
    }
    let expected = message.descriptors();
    if expected != descriptors {
        let message = message.name();
        return Err(DecodeError::Descriptors { message, expected, found: descriptors });
    }
    Ok(message)
}

/// A message is too long for a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encode `{message}`: {length_bytes} bytes are more than a frame's {FRAME_LIMIT_BYTES}")]
#[non_exhaustive]
pub struct EncodeError {
    /// The message's name.
    pub message: &'static str,
    /// How long it would be.
    pub length_bytes: usize,
}

/// Why a frame is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is longer than a frame may be.
    #[error("a frame of {length_bytes} bytes: {FRAME_LIMIT_BYTES} are the most")]
    TooLong {
        /// Its length.
        length_bytes: usize,
    },
    /// It is no message of ours.
    #[error("no message: {error}")]
    NotAMessage {
        /// What the decoder said.
        error: Text,
    },
    /// There is something after the message.
    #[error("{left_over_bytes} bytes after `{message}`")]
    LeftOver {
        /// The message's name.
        message: &'static str,
        /// How many bytes.
        left_over_bytes: usize,
    },
    /// It came with too many or too few descriptors.
    #[error("`{message}` came with {found} descriptors where {expected} belong")]
    Descriptors {
        /// The message's name.
        message: &'static str,
        /// How many belong to it.
        expected: usize,
        /// How many came.
        found: usize,
    },
}
