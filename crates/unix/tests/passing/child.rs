//! Tests that start themselves again in a process of their own. It refuses to count a child as
//! passed that did not run its test.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

const ROLE: &str = "REKINDLE_UNIX_TEST_ROLE";

/// What a child is for whose test has only one sort of it.
const ONLY: &str = "child";

/// The part that this process plays in its test, if it was started by [`again`] or [`another`].
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Whether this process was started by its test.
pub(crate) fn is_child() -> bool {
    role().is_some()
}

/// A command that runs the named test again, alone and on the main thread.
pub(crate) fn again(test: &str) -> Command {
    another(test, ONLY)
}

/// The same, for a test with children in several parts.
pub(crate) fn another(test: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for a child, which must have run its one test with success.
pub(crate) fn succeed(mut command: Command) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    let stderr = String::from_utf8_lossy(&stderr);
    let ran = status.success() && stdout.contains("1 passed");
    assert!(ran, "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    // What was skipped in there is to be seen out here.
    stderr.lines().filter(|line| line.starts_with("skipped:")).for_each(|line| eprintln!("{line}"));
}

/// Runs `body` in a process of its own, so that it can change what belongs to a whole process.
pub(crate) fn in_own_process(test: &str, body: impl FnOnce()) {
    if is_child() {
        body();
    } else {
        succeed(again(test));
    }
}

/// The same as an ordinary user, if this is root.
pub(crate) fn in_own_process_as_user(test: &str, body: impl FnOnce()) {
    if is_child() {
        assert!(!rustix::process::geteuid().is_root());
        body();
        return;
    }
    let mut command = again(test);
    as_user(&mut command);
    succeed(command);
}

/// Makes the command run as an ordinary user, if this is root.
pub(crate) fn as_user(command: &mut Command) {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
}

/// A child that is ended and reaped with its test.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Waits for the child, which must have run its one test with success.
    pub(crate) fn succeed(mut self) {
        drop(self.0.stdin.take());
        let stdout = std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap();
        let stderr = std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        let status = self.0.wait().unwrap();
        let ran = status.success() && stdout.contains("1 passed");
        assert!(ran, "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _it_may_be_reaped = self.0.wait();
    }
}
