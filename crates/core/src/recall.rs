//! The words by which a process begins to read what an elder sends.

use minicbor::{Decode, Encode};

use crate::generation::Generation;

/// Which recall it is: no two of one elder are the same, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Turn {
    /// Who reads.
    #[n(0)]
    pub reader: Generation,
    /// Its how manyeth it is.
    #[n(1)]
    pub number: u64,
}

/// What becomes of connections that were sent and not taken, and are recalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Then {
    /// They are sent again: somebody else had begun to read.
    #[n(0)]
    SendAgain,
    /// They stay where they are: the reader could not take one of them in.
    #[n(1)]
    Keep,
}
