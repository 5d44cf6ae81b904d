//! The verbs by a pid file: with our own server, and with programs that never heard of us.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::{eventually, pid, rekindle, runs};

/// A shell script that knows its pid file as `$1`, in a process group of its own.
struct Script {
    _directory: TempDir,
    child: Child,
    pid_file: String,
}

impl Script {
    /// Started, and its pid file written.
    fn start(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pid_file = directory.path().join("pid").to_str().unwrap().to_owned();
        let child = Command::new("/bin/sh")
            .args(["-c", script, "sh", &pid_file])
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let script = Self { _directory: directory, child, pid_file };
        eventually("the pid file is written", || {
            fs::read_to_string(&script.pid_file).is_ok_and(|text| text.ends_with('\n'))
        });
        script
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Nobody has waited for the shell, so the number is still its group's.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[test]
fn status_tells_which_process_runs_and_since_when() {
    let server = Server::start();
    let status = rekindle(&["status", "--pid-file", &server.pid_file, "--json"]).expect(0).object();
    assert_eq!(pid(&status, "pid"), server.pid);
    let since = humantime::parse_rfc3339(status["since"].as_str().unwrap()).unwrap();
    let age = SystemTime::now().duration_since(since).unwrap();
    // The text has whole seconds only.
    assert!(age < Duration::from_millis(status["uptime_ms"].as_u64().unwrap() + 30_000), "{age:?}");
    let text = rekindle(&["status", "--pid-file", &server.pid_file]).expect(0).stdout;
    assert!(text.contains(&format!("pid             {}\n", server.pid)), "{text}");
    assert!(text.contains("running since") && text.contains("uptime"), "{text}");
}

#[test]
fn a_file_that_names_nobody_who_runs_says_that_the_service_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid").to_str().unwrap().to_owned();
    for verb in ["status", "upgrade", "stop"] {
        let answer = rekindle(&[verb, "--pid-file", &path]).expect(3);
        assert!(answer.stderr.contains("there is none"), "{answer:?}");
    }
    let mut ended = Command::new("/bin/true").spawn().unwrap();
    ended.wait().unwrap();
    fs::write(&path, format!("{}\n", ended.id())).unwrap();
    for verb in ["status", "upgrade", "stop"] {
        let answer = rekindle(&[verb, "--pid-file", &path, "--json"]).expect(3);
        assert!(answer.stderr.contains("does not run"), "{answer:?}");
        assert!(answer.stdout.is_empty(), "{answer:?}");
    }
}

#[test]
fn what_is_no_pid_file_is_not_tried() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file").to_str().unwrap().to_owned();
    fs::write(&file, "-1\n").unwrap();
    for path in [file.as_str(), directory.path().to_str().unwrap()] {
        for verb in ["status", "upgrade", "stop"] {
            rekindle(&[verb, "--pid-file", path]).expect(2);
        }
    }
}

#[test]
fn upgrade_waits_until_the_file_names_the_new_process() {
    let mut server = Server::start();
    let upgrade = rekindle(&["upgrade", "--pid-file", &server.pid_file, "--json"]).expect(0);
    let upgrade = upgrade.object();
    assert_eq!(upgrade["verdict"], "committed");
    assert_eq!(pid(&upgrade, "old_pid"), server.pid);
    let second = pid(&server.next_announcement(), "pid");
    assert_eq!(pid(&upgrade, "pid"), second);

    let text = rekindle(&["upgrade", "--pid-file", &server.pid_file]).expect(0).stdout;
    let third = pid(&server.next_announcement(), "pid");
    assert!(text.ends_with(&format!("pid {second} → {third}\n")), "{text}");
}

#[test]
fn a_file_that_does_not_change_is_waited_for_no_longer_than_asked() {
    let mut server = Server::start();
    server.switch_to("/bin/false");
    let words = ["upgrade", "--pid-file", &server.pid_file, "--timeout", "300ms"];
    let answer = rekindle(&words).expect(7);
    let expected = format!("within 300ms: process {} runs on", server.pid);
    assert!(answer.stderr.contains(&expected), "{answer:?}");
    assert_eq!(server.next_announcement()["event"], "not-upgraded");
    assert_eq!(server.serving_pid(), server.pid);
}

#[test]
fn a_program_that_the_signal_ends_is_told_at_once() {
    let script = Script::start("echo $$ > \"$1\"; exec sleep 600");
    let words = ["upgrade", "--pid-file", &script.pid_file, "--timeout", "10min"];
    let answer = rekindle(&words).expect(8);
    assert!(answer.stderr.contains("ended after SIGHUP"), "{answer:?}");
}

#[test]
fn a_program_that_replaces_itself_on_another_signal_is_followed() {
    // It writes the file after it has gone: a moment without anybody is no failure.
    let script = Script::start(
        "trap '(sleep 0.2; exec sh -c \"echo \\$\\$ > \\\"$1\\\"; exec sleep 600\") & exit' USR1
         echo $$ > \"$1\"
         sleep 600 & wait",
    );
    let old = script.child.id();
    let words = ["upgrade", "--pid-file", &script.pid_file, "--signal", "usr1", "--json"];
    let upgrade = rekindle(&words).expect(0).object();
    assert_eq!(pid(&upgrade, "old_pid"), old);
    let named = fs::read_to_string(&script.pid_file).unwrap();
    assert_eq!(pid(&upgrade, "pid").to_string(), named.trim());
    assert!(runs(pid(&upgrade, "pid")) && !runs(old));
}

#[test]
fn stop_returns_when_the_process_has_ended() {
    let server = Server::start();
    let stop = rekindle(&["stop", "--pid-file", &server.pid_file, "--json"]).expect(0).object();
    assert_eq!(pid(&stop, "pid"), server.pid);
    assert!(!runs(server.pid) && !server.path("pid").exists());
}

#[test]
fn a_process_that_does_not_stop_is_waited_for_no_longer_than_asked() {
    let script = Script::start("trap '' TERM; echo $$ > \"$1\"; exec sleep 600");
    let words = ["stop", "--pid-file", &script.pid_file, "--timeout", "200ms"];
    let answer = rekindle(&words).expect(7);
    assert!(answer.stderr.contains("it runs on"), "{answer:?}");
    assert!(runs(script.child.id()));
}
