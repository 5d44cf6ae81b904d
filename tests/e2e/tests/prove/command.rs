//! The command itself, `rekindle prove`, and what it says for programs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What the command found.
#[derive(Debug)]
pub(crate) struct Found {
    status: Option<i32>,
    answer: Value,
}

/// Runs `rekindle prove` with these words to its end.
pub(crate) fn prove(words: &[&str]) -> Found {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle_command"));
    let output = command.args(["prove", "--json"]).args(words).output().unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error} for {words:?}: {}", String::from_utf8_lossy(&output.stderr))
    });
    Found { status: output.status.code(), answer }
}

/// A file that is kept as output of CI: in `report` of the target directory, beside `tmp`.
pub(crate) fn kept(name: &str) -> String {
    let directory: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("report");
    fs::create_dir_all(&directory).unwrap();
    directory.join(name).to_str().unwrap().to_owned()
}

/// What a reader of a failed test needs of it.
impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, .. } = self;
        write!(
            formatter,
            "{:#} of {:#}: {:#}",
            answer["verdict"], answer["groups"], answer["failures"]
        )
    }
}

impl Found {
    /// Clients noticed nothing at all of so many restarts, each of which changed the process.
    pub(crate) fn nothing_noticed(&self, restarts: usize) {
        assert_eq!(self.answer["verdict"], "nothing_noticed", "{self}");
        assert_eq!((self.status, self.answer["noticed"].as_u64()), (Some(0), Some(0)));
        self.restarted(restarts);
        for group in self.groups() {
            let (started, answered) = (self.count(group, "started"), self.count(group, "answered"));
            assert!(started > 0 && started == answered, "{group}: {started}, {answered}");
        }
    }

    /// Clients noticed something of so many restarts, each of which changed the process.
    pub(crate) fn noticed(&self, restarts: usize) {
        assert_eq!(self.answer["verdict"], "noticed", "{self}");
        assert_eq!(self.status, Some(1), "{self}");
        self.restarted(restarts);
    }

    /// Clients noticed something, all of which was allowed.
    pub(crate) fn allowed(&self, restarts: usize) {
        assert_eq!(self.answer["verdict"], "allowed", "{self}");
        assert_eq!(self.status, Some(0), "{self}");
        self.restarted(restarts);
    }

    fn restarted(&self, times: usize) {
        let restarts = self.answer["restarts"].as_array().unwrap();
        assert!(restarts.iter().all(|restart| restart["state"] == "changed"), "{restarts:#?}");
        assert_eq!(restarts.len(), times);
    }

    /// What the groups are called.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.answer["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["name"].as_str().unwrap())
    }

    /// A counter of a group.
    pub(crate) fn count(&self, group: &str, counter: &str) -> u64 {
        let groups = self.answer["groups"].as_array().unwrap();
        let found = groups.iter().find(|found| found["name"] == group);
        let count = found.and_then(|group| group["tally"][counter].as_u64());
        count.unwrap_or_else(|| panic!("no {counter} of {group} in {groups:#?}"))
    }

    /// A counter of all groups.
    pub(crate) fn total(&self, counter: &str) -> u64 {
        self.groups().map(|group| self.count(group, counter)).sum()
    }

    /// How many kept connections of these groups came to an end: the client was told so with an
    /// answer, or it was closed under a request or between two.
    pub(crate) fn ends(&self, groups: &[&str]) -> u64 {
        let counters = ["announced_close", "closed_between_requests", "lost", "reset"];
        let ends = |group: &str| counters.iter().map(|one| self.count(group, one)).sum::<u64>();
        groups.iter().map(|group| ends(group)).sum()
    }

    /// What went wrong, one by one.
    pub(crate) fn failures(&self) -> &[Value] {
        self.answer["failures"].as_array().unwrap()
    }
}
