//! A whole and right answer came. Refuses to say how.

use tokio::time::Instant;

/// That a whole and right answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// Whether the connection may be used again, by the answer's own words.
    pub(crate) keeps: bool,
}
