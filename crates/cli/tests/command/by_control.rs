//! The verbs over a control socket, where they do what they are asked.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rekindle::Signal;
use rekindle_unix::Process;

use crate::server::Server;
use crate::support::{Answer, command, eventually, pid, rekindle, runs};

#[test]
fn status_tells_people_and_programs_the_same() {
    let server = Server::start();
    let status = rekindle(&["status", "--control", &server.control, "--json"]).expect(0).object();
    assert_eq!(pid(&status, "pid"), server.pid);
    assert_eq!((&status["v"], &status["event"]), (&1.into(), &"status".into()));
    assert_eq!((&status["generation"], &status["phase"]), (&1.into(), &"serving".into()));
    let text = rekindle(&["status", "--control", &server.control]).expect(0).stdout;
    let row = |name: &str| -> String {
        let row = text.lines().find_map(|line| line.trim().strip_prefix(name));
        row.unwrap_or_else(|| panic!("no `{name}` in {text}")).trim().to_owned()
    };
    assert_eq!(row("pid"), server.pid.to_string());
    assert_eq!(row("generation"), "1");
    assert_eq!(row("phase"), "serving");
    assert_eq!(row("build"), env!("CARGO_PKG_VERSION"));
    assert_eq!(row("in flight"), "0");
    assert!(row("listeners").ends_with(&server.address.to_string()), "{text}");
    assert_eq!(row("draining"), "none");
    assert!(!text.contains("last failure") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn upgrade_shows_the_phases_in_order_and_then_who_serves() {
    let mut server = Server::start();
    let words = ["upgrade", "--control", &server.control, "--wait", "committed"];
    let text = rekindle(&words).expect(0).stdout;
    let new = pid(&server.next_announcement(), "pid");
    let mut places = ["spawning", "greeting", "starting", "committing", "probation", "committed"]
        .map(|word| text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}")))
        .into_iter();
    assert!(places.by_ref().is_sorted(), "{text}");
    let last = text.lines().last().unwrap();
    let expected = format!("generation 2, pid {} → {new}; it may still be rolled back", server.pid);
    assert!(last.ends_with(&expected), "{last}");
    assert_eq!(server.serving_pid(), new);
}

#[test]
fn a_confirmed_upgrade_has_lived_through_its_probation() {
    let server = Server::with_probation("200ms");
    let lines = rekindle(&["upgrade", "--control", &server.control, "--json"]).expect(0).objects();
    let (verdict, phases) = lines.split_last().unwrap();
    let phases: Vec<_> = phases.iter().map(|line| line["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["spawning", "greeting", "starting", "committing", "probation"]);
    assert_eq!((&verdict["event"], &verdict["verdict"]), (&"verdict".into(), &"committed".into()));
    assert_eq!(verdict["confirmed"], true);
    assert!(verdict["took_ms"].as_u64().unwrap() >= 200, "{verdict}");
    assert_eq!(pid(verdict, "old_pid"), server.pid);
    assert_eq!(pid(verdict, "pid"), server.serving_pid());
}

#[test]
fn upgrade_hands_arguments_to_the_new_process() {
    let server = Server::start();
    let listen = server.address.to_string();
    let arguments = ["demo-server", "--listen", &listen, "--pid-file", &server.pid_file];
    let marked = ["--control", &server.control, "--probation", "77min"];
    let words = ["upgrade", "--control", &server.control, "--wait", "committed", "--"];
    let words = [&words[..], &arguments[..], &marked[..]].concat();
    rekindle(&words).expect(0);
    let command_line = format!("/proc/{}/cmdline", server.serving_pid());
    let command_line = std::fs::read_to_string(command_line).unwrap();
    assert!(command_line.ends_with("--probation\x0077min\0"), "{command_line:?}");
}

#[test]
fn stop_returns_when_the_process_and_its_files_are_gone() {
    let server = Server::start();
    let answer = rekindle(&["stop", "--control", &server.control]).expect(0);
    assert!(!runs(server.pid), "{answer:?}");
    assert!(!server.path("control").exists() && !server.path("pid").exists());
    assert!(answer.stdout.contains("stopping: nothing is in flight\n"), "{answer:?}");
    assert!(answer.stdout.contains("nothing was cut\n"), "{answer:?}");
}

#[test]
fn stop_waits_for_what_is_in_flight_and_says_what_was_cut() {
    let server = Server::start();
    let mut connection = server.busy_connection();
    let words = ["stop", "--control", &server.control, "--json"];
    let mut first = command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"v\":1,\"event\":\"stopping\",\"in_flight\":1}\n");
    assert!(runs(server.pid), "it waits");

    // Asked a second time, it stops at once.
    Process::open(server.pid).unwrap().kill(Signal::Term).unwrap();
    line.clear();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"v\":1,\"event\":\"stopped\",\"cut\":1,"), "{line}");
    assert_eq!(first.wait().unwrap().code(), Some(1));
    assert_eq!(connection.read(&mut [0; 1]).unwrap_or(0), 0, "it was cut");
}

#[test]
fn what_was_cut_is_told_to_people_too() {
    let server = Server::start();
    let _connection = server.busy_connection();
    let mut stop = command(&["stop", "--control", &server.control]);
    let mut stop = stop.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(stop.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "stopping: 1 in flight, finished first");
    Process::open(server.pid).unwrap().kill(Signal::Term).unwrap();
    assert!(lines.next().unwrap().unwrap().ends_with(": 1 in flight was cut"));
    assert_eq!(stop.wait().unwrap().code(), Some(1));
}

#[test]
fn stop_gives_up_waiting_and_the_service_goes_on_stopping() {
    let server = Server::start();
    let connection = server.busy_connection();
    let words = ["stop", "--control", &server.control, "--timeout", "300ms"];
    let answer = rekindle(&words).expect(7);
    assert!(answer.stderr.contains("within 300ms"), "{answer:?}");
    assert!(runs(server.pid));
    drop(connection);
    eventually("it stops", || !runs(server.pid));
}

#[test]
fn hammer_cuts_what_older_generations_drain() {
    let server = Server::start();
    let mut connection = server.busy_connection();
    rekindle(&["upgrade", "--control", &server.control, "--wait", "committed"]).expect(0);
    eventually("the old process has said what it drains", || {
        server.status()["draining"][0]["in_flight"] == 1
    });
    let text = rekindle(&["status", "--control", &server.control]).expect(0).stdout;
    assert!(text.contains(&format!("generation 1, pid {}: 1 in flight", server.pid)), "{text}");

    let answer = rekindle(&["hammer", "--control", &server.control, "--json"]).expect(0).object();
    assert_eq!((&answer["event"], &answer["processes"]), (&"hammered".into(), &1.into()));
    assert_eq!(connection.read(&mut [0; 1]).unwrap_or(0), 0, "it was cut");
}

#[test]
fn what_is_asked_in_json_says_nothing_else_on_standard_output() {
    let server = Server::start();
    for words in [
        ["upgrade", "--wait", "committed", "--control", &server.control, "--json"],
        ["stop", "--timeout", "10s", "--control", &server.control, "--json"],
    ] {
        let answer: Answer = command(&words).env("CLICOLOR_FORCE", "1").output().unwrap().into();
        assert!(!answer.expect(0).objects().is_empty());
    }
}
