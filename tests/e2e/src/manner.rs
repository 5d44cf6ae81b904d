//! How a next version misbehaves. Owns the list and its file; refuses to act: `impostor` does.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// What the impostor does in the place of a next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// Ends with status 3 before it says anything.
    ExitsAtOnce,
    /// Ends with status 4 once it has the whole offer.
    ExitsAfterOffer,
    /// Says nothing, for ever.
    HangsSilently,
    /// Greets, and is never ready.
    HangsAfterOffer,
    /// Sends a frame that is no message.
    WritesGarbage,
    /// Speaks protocol versions of the far future only.
    SpeaksOtherVersion,
    /// Claims a listener that was not offered.
    ClaimsTooMuch,
    /// Is ready before it has greeted.
    IsRushed,
    /// Closes the channel and lives on.
    ClosesChannel,
    /// Says in its own words that it cannot go on.
    GivesUp,
    /// Is killed by a signal of its own making once it has the offer.
    Crashes,
    /// Is ready, and dies on being told to take over.
    DiesAtCommit,
    /// Is ready, and does nothing on being told to take over.
    HangsAtCommit,
}

impl Manner {
    /// The file, beside the program, that says what the impostor does.
    pub const FILE: &'static str = "manner.json";

    /// Reads the manner for the program of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn beside(program: &Path) -> std::io::Result<Self> {
        let text = std::fs::read(program.with_file_name(Self::FILE))?;
        Ok(serde_json::from_slice(&text)?)
    }
}
