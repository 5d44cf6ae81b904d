//! The command, run to its end; and waiting with one deadline for everything.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rekindle_unix::Process;
use serde_json::Value;

/// What is not there by then never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_rekindle");

/// The command with these words, not started yet.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).stdin(Stdio::null()).env_remove("CLICOLOR_FORCE");
    command
}

/// Runs the command to its end.
pub(crate) fn rekindle(words: &[&str]) -> Answer {
    command(words).output().unwrap().into()
}

/// What the command said, and its exit status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Fails unless it is this status.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    /// Each line of standard output, as JSON.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let object = |line| serde_json::from_str::<Value>(line).expect("a JSON object a line");
        self.stdout.lines().map(object).inspect(|object| assert!(object.is_object())).collect()
    }

    /// The one JSON object on standard output.
    #[track_caller]
    pub(crate) fn object(&self) -> Value {
        let mut objects = self.objects();
        assert_eq!(objects.len(), 1, "{self:#?}");
        objects.remove(0)
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Whether there is a process with this pid that has not ended.
pub(crate) fn runs(pid: u32) -> bool {
    Process::open(pid).is_ok_and(|process| process.is_running().unwrap())
}

/// Waits until it holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        // What is waited for has no event that a test could see.
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A pid in a JSON object.
#[track_caller]
pub(crate) fn pid(object: &Value, key: &str) -> u32 {
    u32::try_from(object[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {object}"))).unwrap()
}
