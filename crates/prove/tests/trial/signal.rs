//! Restarts by a signal.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};

use rekindle_prove::restart::{Signal, SignalName};
use rekindle_prove::{Restart as _, RestartError};

/// A process that a signal ends, and which ends with the test.
struct Sleeping(Child);

impl Sleeping {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The signal that ended it.
    fn ended_by(&mut self) -> i32 {
        self.0.wait().unwrap().signal().unwrap()
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn name(text: &str) -> SignalName {
    text.parse().unwrap()
}

#[tokio::test]
async fn it_goes_to_the_pid() {
    let mut sleeping = Sleeping::new();
    Signal::to_pid(name("USR1"), sleeping.pid()).restart(1).await.unwrap();
    assert_eq!(sleeping.ended_by(), 10);
}

#[tokio::test]
async fn the_pid_file_is_read_anew_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let signal = Signal::to_pid_file(name("hup"), &path);
    for number in 1..=2 {
        let mut sleeping = Sleeping::new();
        // As some write it, with a second line and blanks.
        fs::write(&path, format!(" {} \n/run/x\n", sleeping.pid())).unwrap();
        signal.restart(number).await.unwrap();
        assert_eq!(sleeping.ended_by(), 1);
    }
    let error = signal.restart(3).await.unwrap_err().to_string();
    assert!(error.ends_with("the pid is stale: that process has ended"), "{error}");
}

#[tokio::test]
async fn a_pid_file_that_is_absent_or_has_no_pid_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let signal = Signal::to_pid_file(name("15"), &path);
    let error = signal.restart(1).await.unwrap_err();
    assert!(matches!(error, RestartError::PidFile { .. }));
    let text = error.to_string();
    assert!(text.contains("No such file") && text.ends_with("does the server run, and write it?"));
    // None of these may become a signal to a process group or to everybody.
    for content in ["", "\n12\n", "0\n", "-1\n", "-7\n", "twelve\n", "99999999999\n"] {
        fs::write(&path, content).unwrap();
        let error = signal.restart(1).await.unwrap_err();
        assert!(matches!(error, RestartError::NoPid { .. }), "{content:?}: {error}");
    }
}

#[tokio::test]
async fn no_pid_is_our_own_process_group() {
    for pid in [0, u32::MAX, 1 << 31] {
        let error = Signal::to_pid(name("TERM"), pid).restart(1).await.unwrap_err();
        assert!(matches!(error, RestartError::Signal { .. }), "{pid}: {error}");
    }
}

#[test]
fn names_and_numbers_are_the_same() {
    for text in ["HUP", "SIGHUP", "hup", "sighup", "1"] {
        assert_eq!(name(text).to_string(), "SIGHUP");
    }
    assert_eq!(name("USR2").to_string(), "SIGUSR2");
    assert_eq!(name("18").to_string(), "SIGCONT");
    for text in ["", "SIG", "0", "-1", "65", "999", "RESTART"] {
        let error = text.parse::<SignalName>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("take `{text}` for a signal")), "{error}");
    }
}
