//! What a server under test says in its log when it ends. Owns the line's form; refuses to judge.

use serde::{Deserialize, Serialize};

/// The counts of the library's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalReport {
    /// The process.
    pub pid: u32,
    /// How many connections newer processes took over.
    pub moved: u64,
    /// How many were closed that only waited for it.
    pub rested: u64,
    /// How many were cut.
    pub cut: u64,
}

impl FinalReport {
    /// What the line begins with.
    pub const PREFIX: &'static str = "the end: ";

    /// The line.
    #[must_use]
    pub fn to_line(&self) -> String {
        let counts = serde_json::to_string(self).expect("counts have string keys only");
        format!("{}{counts}", Self::PREFIX)
    }
}
