//! What is answered to a message. Refuses sockets: a message is bytes.

use rekindle_examples::{Goodbye, Site};

/// What follows the next answer on a connection to a process that was replaced.
pub(crate) const BYE: &[u8] = b"bye";

/// What this process answers, wherever it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub(crate) site: Site,
    pub(crate) goodbye: Goodbye,
}

impl Talk {
    /// The answer to a message.
    pub(crate) fn answer(&self, message: &[u8]) -> Vec<u8> {
        match message {
            b"who" => self.site.to_string().into_bytes(),
            other => other.to_vec(),
        }
    }
}
