//! The demo, from its start to its end, in several outcomes.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Stdio};

use rekindle::Signal;
use rekindle_unix::Process;
use rustix::process::{Pid, test_kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Answer, command, pid};

/// A demo with a temporary directory of its own, so that what it leaves behind is seen.
struct Demo {
    temporary: TempDir,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Demo {
    fn start(words: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = command(&[&["demo"], words].concat())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { temporary, child, stderr }
    }

    /// The pid in its first line: of the first generation, whose process group all are in.
    fn first_pid(&mut self) -> u32 {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        let pid = line.split(' ').nth(1).and_then(|pid| pid.parse().ok());
        pid.unwrap_or_else(|| panic!("no pid in `{line}`"))
    }

    /// Its answer; nothing is left of it.
    fn end(mut self, first_pid: u32) -> Answer {
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut self.stderr, &mut stderr).unwrap();
        let answer = Answer { stderr, ..self.child.wait_with_output().unwrap().into() };
        let files: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().collect();
        assert!(files.is_empty(), "{files:?} {answer:?}");
        let group = Pid::from_raw(i32::try_from(first_pid).unwrap()).unwrap();
        let error = test_kill_process_group(group).expect_err("no process is left, and no zombie");
        assert_eq!(error, rustix::io::Errno::SRCH);
        answer
    }
}

/// The answer of a demo that only programs read; nothing is left of it.
fn run_json(words: &[&str]) -> Value {
    let Demo { temporary, child, .. } = Demo::start(&[words, &["--json"]].concat());
    let answer: Answer = child.wait_with_output().unwrap().into();
    let report = answer.expect(0).object();
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    for upgrade in report["upgrades"].as_array().unwrap() {
        for key in ["old_pid", "pid"] {
            let process = Process::open(pid(upgrade, key));
            assert!(process.is_err(), "it is gone, and no zombie: {process:?}");
        }
    }
    report
}

#[test]
fn five_upgrades_and_clients_notice_nothing() {
    let report = run_json(&["--listen", "127.0.0.1:0"]);
    assert_eq!(report["noticed"], 0);
    let tally = report["load"]["tally"].as_object().unwrap();
    assert!(tally["answered"].as_u64().unwrap() > 100, "{tally:?}");
    for (name, number) in tally {
        match name.as_str() {
            "started" | "answered" => assert_eq!(number, &tally["answered"], "{name}"),
            _ => assert_eq!(number, 0, "{name}"),
        }
    }
    let upgrades = report["upgrades"].as_array().unwrap();
    assert_eq!(upgrades.len(), 5);
    for (upgrade, next) in upgrades.iter().zip(&upgrades[1..]) {
        assert_eq!(upgrade["pid"], next["old_pid"]);
    }
    for (upgrade, generation) in upgrades.iter().zip(2..) {
        assert_eq!(upgrade["generation"], generation);
        assert_eq!(upgrade["old_generation"], generation - 1);
        assert!(upgrade["committed_us"].as_u64().unwrap() > 0, "{upgrade}");
        assert!(upgrade["only_new_us"].is_u64(), "{upgrade}");
    }
    let answered = report["load"]["generations"].as_array().unwrap();
    let generations: Vec<_> =
        answered.iter().map(|one| one["generation"].as_u64().unwrap()).collect();
    assert_eq!(generations, [1, 2, 3, 4, 5, 6], "clients met each of them");
    assert_eq!(report["latency"]["count"], tally["answered"]);
}

#[test]
fn the_options_are_heeded() {
    let report = run_json(&["--listen", "127.0.0.1:0", "--upgrades", "2", "--connections", "7"]);
    assert_eq!(report["upgrades"].as_array().unwrap().len(), 2);
    assert_eq!(report["connections"], 7);
    let groups = report["load"]["groups"].as_array().unwrap();
    let groups: Vec<_> =
        groups.iter().map(|group| (&group["request"], &group["connections"])).collect();
    let (get, post) = ("GET /".into(), "POST /echo (16384 bytes)".into());
    let (one, two) = (1.into(), 2.into());
    assert_eq!(groups, [(&get, &one), (&post, &one), (&get, &one), (&post, &two), (&get, &two)]);
}

#[test]
fn every_field_of_the_answer_is_documented() {
    let documentation = include_str!("../../../../docs/cli.md");
    let report = run_json(&["--listen", "127.0.0.1:0", "--upgrades", "1"]);
    let parts = [&report, &report["upgrades"][0], &report["latency"]];
    for name in parts.iter().flat_map(|part| part.as_object().unwrap().keys()) {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn people_get_lines_while_it_runs_and_tables_at_its_end() {
    let mut demo = Demo::start(&["--listen", "127.0.0.1:0", "--upgrades", "2"]);
    let first_pid = demo.first_pid();
    let answer = demo.end(first_pid).expect(0);
    let lines: Vec<_> = answer.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("upgrade 1 of 2: pid "), "{lines:?}");
    assert!(lines[1].contains("generation 3, serves after "), "{lines:?}");
    let rows: Vec<Vec<_>> =
        answer.stdout.lines().map(|row| row.split_whitespace().collect()).collect();
    let row = |name: &str| rows.iter().find(|row| row.join(" ").starts_with(name)).unwrap();
    for name in [
        "refused",
        "reset",
        "lost",
        "timed out",
        "wrong answers",
        "closed between requests",
        "announced close",
        "unsolicited bytes",
    ] {
        assert_eq!(row(name).last(), Some(&"0"), "{name}");
    }
    assert_eq!(row("requests")[1], row("answered")[1]);
    for name in ["p50", "p99", "max", "longest time", "1 → 2", "2 → 3"] {
        assert!(["µs", "ms", "s"].contains(row(name).last().unwrap()), "{name}");
    }
    assert!(answer.stdout.contains(&format!("  {first_pid} → ")), "{}", answer.stdout);
    assert!(answer.stdout.contains("Clients noticed nothing: 2 upgrades, "), "{}", answer.stdout);
    assert!(!answer.stdout.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn a_taken_port_is_left_alone_and_another_one_is_used() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let report = run_json(&["--listen", &address, "--upgrades", "1"]);
    assert_eq!(report["asked_address"], address.as_str());
    assert_ne!(report["address"], address.as_str());

    let mut demo = Demo::start(&["--listen", &address, "--upgrades", "1"]);
    let mut line = String::new();
    demo.stderr.read_line(&mut line).unwrap();
    assert!(line.contains(&format!(", since {address} is taken;")), "{line}");
    let first_pid = line.split(' ').nth(1).unwrap().parse().unwrap();
    demo.end(first_pid).expect(0);
    taken.set_nonblocking(true).unwrap();
    taken.accept().expect_err("nobody was sent to the program that has the port");
}

#[test]
fn a_signal_ends_it_early_and_nothing_is_left() {
    for signal in [Signal::Int, Signal::Term, Signal::Hup] {
        let mut demo = Demo::start(&["--listen", "127.0.0.1:0", "--upgrades", "1000"]);
        let first_pid = demo.first_pid();
        Process::open(demo.child.id()).unwrap().kill(signal).unwrap();
        let answer = demo.end(first_pid).expect(130);
        assert!(answer.stderr.contains(&format!("{signal} came")), "{answer:?}");
        assert!(answer.stdout.is_empty(), "{answer:?}");
    }
}

#[test]
fn a_server_that_dies_is_told_and_nothing_is_left() {
    let mut demo = Demo::start(&["--listen", "127.0.0.1:0", "--upgrades", "1000"]);
    let first_pid = demo.first_pid();
    Process::open(first_pid).unwrap().kill(Signal::Kill).unwrap();
    let answer = demo.end(first_pid).expect(2);
    assert!(answer.stderr.contains("rekindle: failed to "), "{answer:?}");
    assert!(answer.stdout.is_empty(), "{answer:?}");
}

#[test]
fn a_demo_that_cannot_run_says_why() {
    let temporary = tempfile::tempdir().unwrap();
    let absent = temporary.path().join("absent");
    let answer: Answer = command(&["demo"]).env("TMPDIR", absent).output().unwrap().into();
    let answer = answer.expect(2);
    assert!(answer.stderr.contains("failed to make a temporary directory"), "{answer:?}");
}
