//! One connection that moves, as the two sides speak of it.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::listener::ListenerName;
use crate::text::Text;

/// The most bytes that go along with a connection: so one always fits in a frame.
pub const MOVE_LIMIT_BYTES: usize = 48 * 1024;

/// CBOR's heads of an entry and its fields.
const ENTRY_OVERHEAD_BYTES: usize = 16;

/// Where in the new process a connection goes. A protocol that the other side does not know is one
/// that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receiver {
    /// The listener that it was accepted on, or the name that both programs know.
    #[n(0)]
    pub name: ListenerName,
    /// What is spoken on it: `http/1.1` between two requests, or `program` if that is between the
    /// two programs.
    #[n(1)]
    pub protocol: Text,
}

/// One connection. Its descriptor travels in the same frame, at the same position.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MovedEntry {
    /// Where it goes.
    #[n(0)]
    pub receiver: Receiver,
    /// What goes along: bytes that were read and not understood yet, or the program's state.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

impl MovedEntry {
    /// No less than what it takes in a frame.
    pub(crate) fn bound_bytes(&self) -> usize {
        let Receiver { name, protocol } = &self.receiver;
        self.bytes.len() + name.as_str().len() + protocol.as_str().len() + ENTRY_OVERHEAD_BYTES
    }
}

/// Why a connection stays with this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MoveRefusal {
    /// There is no newer process that serves, or not any more.
    #[error("no newer process is there to take the connection over")]
    NoSuccessor,
    /// The newer process did not ask for such connections.
    #[error("the newer process did not ask for such connections")]
    NotAskedFor,
    /// The newer process was offered it, and did not take it.
    #[error("the newer process did not take the connection")]
    Refused,
    /// This system did not let go of it.
    #[error("the system did not let this process part with the connection")]
    System,
    /// What should go along is too much.
    #[error("{length_bytes} bytes should go along with it: {MOVE_LIMIT_BYTES} are the most")]
    TooLarge {
        /// How much it is.
        length_bytes: usize,
    },
}
