//! What the integration tests share: tests that run again in a process of their own, and the
//! waiting for events. It refuses to hide a test that did not run.

use std::io::PipeWriter;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long any event may take before its test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

const ROLE: &str = "REKINDLE_UNIX_TEST_ROLE";

/// Whether this process was started by [`again`]: then the test plays the child.
pub(crate) fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// A command that runs the named test again, alone and on the main thread.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, "child")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for a child, which must have run its one test with success.
pub(crate) fn succeed(mut command: Command) {
    succeeded(&command.output().unwrap());
}

/// Checks that the child ran its one test with success.
pub(crate) fn succeeded(output: &Output) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let ran = output.status.success() && stdout.contains("1 passed");
    assert!(ran, "{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", output.status);
}

/// Runs `test` in a process of its own, so that it can change what belongs to the whole process.
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

    /// Waits for a child that must have run its one test with success.
    pub(crate) fn succeed(mut self) {
        drop(self.0.stdin.take());
        let stdout = std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap();
        let stderr = std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        let status = self.0.wait().unwrap();
        succeeded(&Output { status, stdout: stdout.into(), stderr: stderr.into() });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _it_may_be_reaped = self.0.wait();
    }
}

/// Waits until the descriptor is readable, or at its end.
pub(crate) fn wait_readable(descriptor: impl AsFd) {
    let mut entries = [PollFd::new(&descriptor, PollFlags::IN)];
    let deadline = Timespec::try_from(DEADLINE).unwrap();
    assert_eq!(poll(&mut entries, Some(&deadline)).unwrap(), 1, "nothing came in time");
}

/// Whether something can be read from the descriptor, or its end is reached, at this moment.
pub(crate) fn is_readable(descriptor: impl AsFd) -> bool {
    let mut entries = [PollFd::new(&descriptor, PollFlags::IN)];
    poll(&mut entries, Some(&Timespec::default())).unwrap() == 1
}

/// A descriptor to send away, and a watch over all its copies.
#[derive(Debug)]
pub(crate) struct Tracer {
    reader: std::io::PipeReader,
}

impl Tracer {
    pub(crate) fn new() -> (Self, OwnedFd) {
        let (reader, writer): (_, PipeWriter) = std::io::pipe().unwrap();
        (Self { reader }, writer.into())
    }

    /// Whether any copy of the descriptor is open anywhere, even within a socket's queue.
    pub(crate) fn is_open(&self) -> bool {
        !is_readable(&self.reader)
    }
}
