//! `Announcement`: what the demo's server says on its standard output.
//!
//! Owns the form: a JSON object a line. All generations have the same standard output, so its
//! reader hears of each one as it begins to serve, and meets the end of file when the last one is
//! gone.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What the demo's server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Announcement {
    /// This process accepts from now on.
    Serving { pid: u32, generation: u64, address: SocketAddr },
    /// The address belongs to another program. The process ends.
    AddressTaken,
    /// An upgrade was aborted or rolled back.
    NotUpgraded { verdict: String },
}

impl Announcement {
    /// The line, without the line feed.
    pub(crate) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("an announcement has string keys only")
    }

    /// What a line says.
    pub(super) fn from_line(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_announcement_is_read_as_it_was_written() {
        let address = "[::1]:8888".parse().unwrap();
        for announcement in [
            Announcement::Serving { pid: 7, generation: 2, address },
            Announcement::AddressTaken,
            Announcement::NotUpgraded { verdict: "aborted while\nstarting".into() },
        ] {
            let line = announcement.to_line();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Announcement::from_line(&line).unwrap(), announcement);
        }
    }
}
