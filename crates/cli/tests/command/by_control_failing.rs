//! The verbs over a control socket, where something stands in the way.

use std::io::{BufRead as _, BufReader, Lines};
use std::os::unix::net::UnixListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rekindle::Signal;
use rekindle_unix::Process;
use serde_json::Value;

use crate::fake_service::FakeService;
use crate::server::Server;
use crate::support::{command, pid, rekindle, runs};

/// An upgrade under way, of which each line is heard as it comes.
struct Upgrade {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Upgrade {
    fn begin(server: &Server) -> Self {
        let mut command = command(&["upgrade", "--control", &server.control, "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for this phase.
    fn phase(&mut self, phase: &str) -> Value {
        let found = self.by_ref().find(|line| line["phase"] == phase);
        found.unwrap_or_else(|| panic!("there was no phase `{phase}`"))
    }

    /// Waits for the verdict and the exit status.
    fn end(mut self) -> (Value, Option<i32>) {
        let verdict = self.by_ref().find(|line| line["event"] == "verdict").unwrap();
        (verdict, self.child.wait().unwrap().code())
    }
}

impl Iterator for Upgrade {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }
}

#[test]
fn an_aborted_upgrade_says_why_and_the_next_good_one_commits() {
    let server = Server::start();
    server.switch_to("/bin/false");
    let answer = rekindle(&["upgrade", "--control", &server.control]).expect(5);
    for words in ["aborted while greeting (exited)", "exited with status 1", "serves on"] {
        assert!(answer.stderr.contains(words), "{answer:?}");
    }
    assert!(answer.stdout.contains("spawning") && !answer.stdout.contains("committed"));
    assert_eq!(server.serving_pid(), server.pid);
    let status = rekindle(&["status", "--control", &server.control]).expect(0).stdout;
    assert!(status.contains("last failure   aborted (exited): "), "{status}");

    server.switch_to("/nowhere/at/all");
    let answer = rekindle(&["upgrade", "--control", &server.control]).expect(5);
    assert!(answer.stderr.contains("(not-started)"), "{answer:?}");

    server.switch_back();
    rekindle(&["upgrade", "--control", &server.control, "--wait", "committed"]).expect(0);
    assert_ne!(server.serving_pid(), server.pid);
}

#[test]
fn an_upgrade_whose_process_dies_in_probation_is_rolled_back() {
    let server = Server::start();
    let mut upgrade = Upgrade::begin(&server);
    let new = pid(&upgrade.phase("probation"), "pid");
    Process::open(new).unwrap().kill(Signal::Kill).unwrap();
    let (verdict, status) = upgrade.end();
    assert_eq!((status, &verdict["verdict"]), (Some(6), &"rolled-back".into()));
    assert_eq!(server.serving_pid(), server.pid);
}

#[test]
fn a_second_upgrade_is_refused_and_a_stop_aborts_the_first() {
    let server = Server::start();
    server.switch_to_one_that_hangs();
    let mut upgrade = Upgrade::begin(&server);
    let new = pid(&upgrade.phase("greeting"), "pid");

    let answer = rekindle(&["upgrade", "--control", &server.control]).expect(4);
    assert!(answer.stderr.contains("refuses (upgrade-in-progress)"), "{answer:?}");
    let refused = rekindle(&["upgrade", "--control", &server.control, "--json"]).expect(4);
    assert_eq!(refused.object()["reason"], "upgrade-in-progress");

    rekindle(&["stop", "--control", &server.control]).expect(0);
    let (verdict, status) = upgrade.end();
    assert_eq!((status, &verdict["reason"]), (Some(5), &"stopping".into()));
    assert!(!runs(new), "the one that hung was ended too");
}

#[test]
fn an_upgrade_that_is_given_up_on_goes_on() {
    let server = Server::start();
    server.switch_to_one_that_hangs();
    let words = ["upgrade", "--control", &server.control, "--timeout", "300ms"];
    rekindle(&words).expect(7);
    assert_eq!(server.status()["phase"], "upgrading");
}

#[test]
fn a_hammer_with_nothing_below_it_is_refused() {
    let server = Server::start();
    let answer = rekindle(&["hammer", "--control", &server.control]).expect(4);
    assert!(answer.stderr.contains("(nothing-drains)"), "{answer:?}");
}

#[test]
fn where_nobody_answers_the_service_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    drop(UnixListener::bind(path("dead")).unwrap());
    std::fs::write(path("file"), "").unwrap();
    for name in ["absent", "dead", "file"] {
        for verb in ["status", "upgrade", "stop", "hammer"] {
            let answer = rekindle(&[verb, "--json", "--control", &path(name)]).expect(3);
            assert!(answer.stdout.is_empty(), "{answer:?}");
            assert!(answer.stderr.contains(&path(name)), "{answer:?}");
        }
    }
}

#[test]
fn a_path_that_can_be_no_socket_is_not_tried() {
    let answer = rekindle(&["status", "--control", &"x".repeat(200)]).expect(2);
    assert!(answer.stderr.starts_with("rekindle: failed to connect"), "{answer:?}");
}

#[test]
fn answers_that_are_not_understood_or_not_whole_are_lost() {
    let table = [
        ("status", ""),
        ("status", "HTTP/1.1 400 Bad Request\r\n"),
        ("status", "{\"v\":1,\"event\":\"status\"}\n"),
        ("status", "{\"v\":1,\"event\":\"hammered\",\"processes\":1}\n"),
        ("hammer", "{\"v\":1,\"event\":\"stopping\",\"in_flight\":1}\n"),
        (
            "upgrade",
            "{\"v\":1,\"event\":\"phase\",\"phase\":\"x\",\"after_ms\":1,\"generation\":2}\n",
        ),
        ("upgrade", "{\"v\":1,\"event\":\"stopped\",\"cut\":0,\"took_ms\":1}\n"),
        (
            "upgrade",
            "{\"v\":1,\"event\":\"verdict\",\"verdict\":\"postponed\",\"confirmed\":false,\
             \"generation\":2,\"old_pid\":1,\"took_ms\":1}\n",
        ),
    ];
    for (verb, answer) in table {
        let service = FakeService::saying(answer);
        let answer = rekindle(&[verb, "--control", service.path()]).expect(8);
        assert!(answer.stderr.starts_with("rekindle: failed to "), "{answer:?}");
    }
}

#[test]
fn a_service_that_does_not_understand_us_is_no_fault_of_its_own() {
    let service =
        FakeService::saying("{\"v\":1,\"event\":\"error\",\"message\":\"what\\u001b?\"}\n");
    let answer = rekindle(&["status", "--control", service.path()]).expect(2);
    assert!(answer.stderr.contains("what\\u{1b}?"), "{answer:?}");
}

#[test]
fn a_service_that_says_nothing_is_waited_for_no_longer_than_asked() {
    let service = FakeService::silent();
    let began = std::time::Instant::now();
    for verb in ["status", "upgrade", "stop", "hammer"] {
        rekindle(&[verb, "--control", service.path(), "--timeout", "50ms"]).expect(7);
    }
    assert!(began.elapsed() >= 4 * Duration::from_millis(50));
}

#[test]
fn stop_does_not_believe_a_goodbye_while_the_process_runs() {
    let mut lingering = Command::new("/bin/sleep").arg("600").spawn().unwrap();
    let status = format!(
        "{{\"v\":1,\"event\":\"status\",\"pid\":{},\"generation\":1,\"phase\":\"serving\",\
         \"build\":\"\",\"uptime_ms\":1,\"in_flight\":0,\"listeners\":[],\"draining\":[]}}\n",
        lingering.id(),
    );
    let stopped = "{\"v\":1,\"event\":\"stopped\",\"cut\":0,\"took_ms\":1}\n";
    let service = FakeService::saying_in_turn(&[&status, stopped]);
    let words = ["stop", "--control", service.path(), "--timeout", "300ms"];
    let answer = rekindle(&words);
    lingering.kill().unwrap();
    lingering.wait().unwrap();
    assert!(answer.expect(7).stdout.contains("nothing was cut"), "it had said goodbye");
}
