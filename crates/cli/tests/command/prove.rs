//! `prove` against a real service and against servers that lose.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rekindle::Signal;
use rekindle_unix::Process;
use serde_json::Value;

use crate::secure_server::{SecureServer, start_web_socket_echo};
use crate::server::Server;
use crate::support::{Answer, BINARY, command, eventually, rekindle, runs};
use crate::web_server::{self, Manner};

/// The command against this URL, to its end.
fn prove(url: &str, words: &[&str]) -> Answer {
    rekindle(&[&["prove", url], words].concat())
}

fn counted(answer: &Value, name: &str) -> u64 {
    answer["tally"][name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {answer}"))
}

fn service_url(server: &Server) -> String {
    format!("http://{}/", server.address)
}

#[test]
fn a_service_that_is_upgraded_loses_nothing_and_the_status_is_0() {
    let server = Server::with_probation("10ms");
    let ways = [
        &["--control", &server.control][..],
        &["--signal", "HUP", "--pid-file", &server.pid_file],
        &["--restart", &format!("kill -HUP $(cat {})", server.pid_file)],
    ];
    for way in ways {
        let words = ["--restarts", "2", "--every", "300ms", "--connections", "8", "--json"];
        let words = [&words, way, &["--mode", "keep=3", "--mode", "post@/echo"]].concat();
        let answer = prove(&service_url(&server), &words).expect(0).object();
        assert_eq!(
            (&answer["verdict"], &answer["noticed"]),
            (&"nothing_noticed".into(), &0.into())
        );
        assert_eq!(counted(&answer, "started"), counted(&answer, "answered"));
        let groups = answer["groups"].as_array().unwrap();
        let groups: Vec<_> = groups
            .iter()
            .map(|group| (group["name"].as_str().unwrap(), group["connections"].as_u64().unwrap()))
            .collect();
        assert_eq!(groups, [("keep", 6), ("post", 2)]);
        let restarts = answer["restarts"].as_array().unwrap();
        assert_eq!(restarts.len(), 2);
        assert!(restarts.iter().all(|restart| restart["state"] == "changed"), "{restarts:?}");
    }
}

#[test]
fn people_get_lines_while_it_runs_and_tables_at_its_end() {
    let server = Server::with_probation("10ms");
    let words = ["--control", &server.control, "--restarts", "2", "--every", "300ms"];
    let answer = prove(&service_url(&server), &words).expect(0);
    let lines: Vec<_> = answer.stderr.lines().collect();
    assert!(lines[0].starts_with("64 connections ask http://127.0.0.1:"), "{lines:?}");
    assert!(lines[0].ends_with("/ (new, keep, idle)"), "{lines:?}");
    assert!(lines[1].starts_with("restart 1 of 2 at ") && lines[1].contains(": pid "), "{lines:?}");
    assert!(lines[2].contains("; so far: ") && lines[2].ends_with("noticed: nothing"), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    let rows: Vec<Vec<_>> =
        answer.stdout.lines().map(|row| row.split_whitespace().collect()).collect();
    let row = |name: &str| rows.iter().find(|row| row.join(" ").starts_with(name)).unwrap();
    assert_eq!(row("new"), &["new", "keep", "idle", "all"]);
    assert_eq!(row("connections")[1..], ["22", "21", "21", "64"]);
    assert_eq!(row("requests")[1..], row("answered")[1..]);
    for name in ["refused", "reset", "lost", "timed out", "closed between requests"] {
        assert!(row(name).ends_with(&["0", "0", "0", "0"]), "{name}");
    }
    let widest = answer.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{}", answer.stdout);
    assert!(row("2 ").contains(&"pid"), "{rows:?}");
    assert!(answer.stdout.contains("Clients noticed nothing: 2 restarts, "), "{}", answer.stdout);
    assert!(!answer.stdout.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn what_a_server_loses_is_told_and_the_status_is_1() {
    let address = web_server::start(Manner::ClosesAfter(3));
    let url = format!("http://{address}/");
    let words = ["--mode", "idle", "--think", "5ms", "--connections", "4", "--duration", "500ms"];
    let answer = prove(&url, &words).expect(1);
    assert!(answer.stdout.contains("Clients noticed: "), "{answer:?}");
    assert!(answer.stdout.contains("idle: closed between requests: "), "{answer:?}");
    assert!(answer.stdout.contains("answered 3 times before"), "{answer:?}");
    let answer = prove(&url, &[&words[..], &["--json"]].concat()).expect(1).object();
    assert_eq!(answer["verdict"], "noticed");
    assert!(counted(&answer, "closed_between_requests") > 0, "{answer}");
    let failure = &answer["failures"][0];
    assert_eq!((&failure["answered_before"], &failure["restart"]), (&3.into(), &0.into()));
}

#[test]
fn clients_that_were_to_be_slow_and_are_not_are_told() {
    let url = format!("http://{}/", web_server::start(Manner::Sound));
    let warned = |mode: &str| {
        let words = ["--mode", mode, "--connections", "2", "--duration", "200ms"];
        let answer = prove(&url, &words).expect(0);
        answer.stderr.contains("warning: `slow` is not slow: its answer took ")
    };
    assert!(warned("slow@/"));
    assert!(!warned("keep"));
}

#[test]
fn what_is_allowed_is_no_failure() {
    let address = web_server::start(Manner::SaysGoodbyeAfter(5));
    let url = format!("http://{address}/");
    let words = ["--mode", "keep", "--connections", "2", "--duration", "200ms"];
    prove(&url, &words).expect(1);
    let allow = |allowance| prove(&url, &[&words[..], &["--allow", allowance]].concat());
    allow("announced_close=1%").expect(1);
    let answer = allow("announced_close=20%").expect(0);
    assert!(answer.stdout.contains("no more than was allowed: "), "{answer:?}");
    assert!(answer.stdout.contains(" announced close. "), "{answer:?}");
    let words = [&words[..], &["--allow", "announced_close=20%", "--markdown", "-"]].concat();
    let summary = prove(&url, &words).expect(0).stdout;
    assert!(summary.contains("✅ **Clients noticed "), "the report judges alike: {summary}");
}

#[test]
fn a_restart_that_changes_nothing_is_a_failure() {
    let server = Server::start();
    let words = ["--restart", "echo to nobody", "--restarts", "2", "--every", "100ms"];
    let words = [&words[..], &["--settle", "200ms"]].concat();
    let answer = prove(&service_url(&server), &words).expect(1);
    let sentence = "Not restarted: clients noticed nothing; no new process was seen after 2 of 2";
    assert!(answer.stdout.contains(sentence), "{answer:?}");
    assert!(!answer.stdout.contains("to nobody"), "what a command says is its own: {answer:?}");
    assert!(!answer.stderr.contains("to nobody"), "{answer:?}");
    prove(&service_url(&server), &[&words[..], &["--recognise", "off"]].concat()).expect(0);
    let timed = [&words[..], &["--lead", "300ms", "--json"]].concat();
    let answer = prove(&service_url(&server), &timed).expect(1).object();
    let at = |place: usize| answer["restarts"][place]["at_us"].as_u64().unwrap();
    assert!(at(0) >= 300_000, "it leads: {answer}");
    assert!((200_000..4_000_000).contains(&(at(1) - at(0))), "it settles: {answer}");
}

#[test]
fn what_cannot_be_measured_is_told_with_what_to_do() {
    let server = Server::start();
    let url = service_url(&server);
    let lost = format!("{url}nothing");
    let absent = server.path("absent");
    let absent = absent.to_str().unwrap();
    let table = [
        ("http://127.0.0.1:1/", &[][..], "start the server, or see where it listens"),
        (&lost, &[], "answers with a status of 2xx"),
        (&url, &["--mode", "post"], "--mode post@/echo"),
        (&url, &["--mode", "ws"], "--mode ws@/chat"),
        (&url, &["--signal", "HUP", "--pid", "2147483647"], "the pid is stale"),
        (&url, &["--signal", "HUP", "--pid-file", absent], "does the server run, and write it?"),
        (&url, &["--control", absent], "is the service running?"),
        (&url, &["--recognise", "body:("], "unclosed group"),
        (&url, &["--mode", "slow"], "slow@/slow?ms=2000"),
        (&url, &["--header", "te: x"], "a field `te`"),
        (
            &url,
            &["--cacert", absent, "--mode", "keep@https://127.0.0.1:1/"],
            "read the certificates",
        ),
        ("http://nowhere.invalid/", &[], "find the address of `nowhere.invalid`"),
    ];
    for (url, words, expected) in table {
        let answer = prove(url, words).expect(2);
        assert!(answer.stderr.contains(expected), "{words:?}: {answer:?}");
        assert!(answer.stderr.starts_with("rekindle: failed to "), "nothing ran yet: {answer:?}");
        assert!(answer.stdout.is_empty(), "{answer:?}");
    }
}

#[test]
fn a_restart_that_fails_proves_nothing() {
    let server = Server::start();
    let words = ["--restart", "echo no such unit; exit 5", "--every", "100ms"];
    let answer = prove(&service_url(&server), &words).expect(2);
    assert!(answer.stdout.contains("Nothing is proven: restart 1 "), "{answer:?}");
    assert!(answer.stdout.contains("no such unit"), "{answer:?}");
    assert!(answer.stderr.contains("restart 1 of 10 at "), "{answer:?}");
    let words = ["--restart", "echo one; echo two; exit 5", "--every", "100ms", "--json"];
    let answer = prove(&service_url(&server), &words).expect(2);
    assert!(answer.stderr.contains("\n    one\n    two\n  so far: "), "in its lines: {answer:?}");
    assert_eq!(answer.object()["verdict"], "could_not_measure");
}

#[test]
fn a_signal_ends_it_early_and_shows_what_was_found() {
    let address = web_server::start(Manner::Sound);
    let url = format!("http://{address}/");
    for words in [&["--duration", "10min"][..], &["--restart", "true", "--recognise", "off"]] {
        let words = [&["prove", &url], words].concat();
        let mut child =
            command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("64 connections ask"), "{line}");
        Process::open(child.id()).unwrap().kill(Signal::Int).unwrap();
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        let answer: Answer = child.wait_with_output().unwrap().into();
        let answer = answer.expect(130);
        assert!(answer.stdout.contains("What clients noticed\n"), "{answer:?} {rest}");
        assert!(answer.stdout.contains("Ended early by SIGINT: "), "{answer:?} {rest}");
    }
}

#[test]
fn a_restart_that_is_cut_off_is_not_counted_and_its_command_is_killed() {
    let address = web_server::start(Manner::Sound);
    let url = format!("http://{address}/");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pid");
    let line = format!("echo $$ > '{}'; sleep 1000", path.display());
    let words = ["prove", &url, "--restart", &line, "--recognise", "off", "--every", "10ms"];
    let child = command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = || std::fs::read_to_string(&path).ok()?.trim().parse().ok();
    eventually("the command runs", || pid().is_some());
    Process::open(child.id()).unwrap().kill(Signal::Int).unwrap();
    let answer: Answer = child.wait_with_output().unwrap().into();
    let answer = answer.expect(130);
    let mut rows = answer.stdout.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&"1")).unwrap();
    assert_eq!(row[3..7], ["–", "–", "under", "way"], "{answer:?}");
    eventually("it is killed", || !runs(pid().unwrap()));
}

#[test]
fn requests_say_what_they_are_told_to() {
    let address = web_server::start(Manner::Sound);
    let url = format!("http://localhost:{}/a?b=c", address.port());
    // The body is the head of the request: it is recognised by what it says.
    let pattern = r"body:GET /a\?b=c HTTP/1.1\r\nhost: example.org\r\n(?s:.*)x-a: (\d+)";
    let words = ["--host", "example.org", "--header", "X-A: 17", "--recognise", pattern];
    let words = [&words[..], &["--duration", "100ms", "--connections", "3", "--json"]].concat();
    let answer = prove(&url, &words).expect(0).object();
    let generation = &answer["generations"][0];
    assert_eq!(generation["generation"], 17, "{answer}");
    assert_eq!(generation["answered"], answer["tally"]["answered"]);
}

#[test]
fn messages_go_to_an_echo_over_tcp_and_udp() {
    let (tcp, udp) = (web_server::start_echo(), web_server::start_datagram_echo());
    let also = format!("udp@udp://{udp}");
    let words = ["--mode", "new", "--mode", "tcp", "--mode", "idle", "--mode", &also];
    let words = [&words[..], &["--duration", "200ms", "--connections", "8", "--json"]].concat();
    let answer = prove(&format!("tcp://{tcp}"), &words).expect(0).object();
    let groups = answer["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 4);
    for group in groups {
        assert!(group["tally"]["answered"].as_u64().unwrap() > 0, "{group}");
        assert!(group["request"].as_str().unwrap().contains("128 bytes"), "{group}");
    }
}

#[test]
fn over_tls_only_who_is_trusted_is_asked() {
    let server = SecureServer::start();
    let url = format!("https://{}/", server.address);
    let directory = tempfile::tempdir().unwrap();
    let pem = directory.path().join("pem");
    std::fs::write(&pem, &server.pem).unwrap();
    let pem = pem.to_str().unwrap();
    let asked = |words: &[&str]| {
        let common = ["--duration", "200ms", "--connections", "6", "--json"];
        prove(&url, &[&common, words].concat())
    };
    let trusted = asked(&["--cacert", pem, "--host", "example.org:8443"]).expect(0).object();
    assert!(counted(&trusted, "answered") > 0, "{trusted}");
    asked(&["--insecure"]).expect(0);
    for words in [&[][..], &["--cacert", pem]] {
        let refused = asked(words).expect(2);
        assert!(refused.stderr.contains("--cacert, --host and --insecure"), "{refused:?}");
    }
}

#[test]
fn http_2_is_told_to_go_and_loses_only_what_crosses_that() {
    let server = Server::with_probation("10ms");
    let words = ["--control", &server.control, "--restarts", "1", "--every", "300ms", "--json"];
    let words = [&words[..], &["--mode", "h2", "--streams", "4", "--connections", "2"]].concat();
    let answer = prove(&service_url(&server), &words).expect(1).object();
    assert_eq!(counted(&answer, "announced_close"), 2, "one each: {answer}");
    // RFC 9113, section 6.8: what crosses the goodbye is not processed, and is told apart.
    let crossed = counted(&answer, "crossed");
    assert_eq!(
        (answer["noticed"].as_u64(), counted(&answer, "lost")),
        (Some(2 + crossed), crossed)
    );
    let allowed = ["--allow", "announced_close=2", "--allow", "lost=100%"];
    let allowed = prove(&service_url(&server), &[&words[..], &allowed].concat()).expect(0);
    assert_eq!(allowed.object()["verdict"], "allowed");
}

#[test]
fn many_connections_take_more_descriptors_than_a_shell_gives() {
    let address = web_server::start(Manner::Sound);
    let with_limits = |limits: &str| {
        let line = format!(
            "{limits} && exec {BINARY} prove http://{address}/ --mode idle \
            --duration 100ms --connections 60"
        );
        let answer = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        Answer::from(answer)
    };
    with_limits("ulimit -Sn 100").expect(0);
    let refused = with_limits("ulimit -Sn 100; ulimit -Hn 100").expect(2);
    assert!(refused.stderr.contains("60 connections: this process may have 100"), "{refused:?}");
}

#[test]
fn web_sockets_exchange_messages() {
    let address = start_web_socket_echo();
    let words = ["--mode", "ws", "--mode", "idle", "--think", "5ms", "--message-size", "1KiB"];
    let words = [&words[..], &["--duration", "200ms", "--connections", "4", "--json"]].concat();
    let answer = prove(&format!("ws://{address}/chat"), &words).expect(0).object();
    for group in answer["groups"].as_array().unwrap() {
        assert!(group["tally"]["answered"].as_u64().unwrap() > 0, "{group}");
        assert!(group["request"].as_str().unwrap().contains("/chat (1024 bytes)"), "{group}");
    }
}

#[test]
fn a_unix_socket_is_asked_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    web_server::start_at(&path, Manner::Sound);
    let path = path.to_str().unwrap();
    let words = ["prove", "--unix", path, "--duration", "100ms", "--json"];
    let answer = rekindle(&words).expect(0).object();
    assert_eq!(answer["target"], format!("http://localhost/ at unix:{path}"));
    assert!(counted(&answer, "answered") > 0);
}

#[test]
fn reports_are_written_beside_the_answer() {
    let address = web_server::start(Manner::Sound);
    let url = format!("http://{address}/");
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (page, summary) = (file("report.html"), file("summary.md"));
    let words = ["--duration", "100ms", "--report", &page, "--markdown", &summary];
    let answer = prove(&url, &words).expect(0);
    assert!(answer.stdout.contains("What clients noticed\n"), "{answer:?}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!") && page.contains(&url), "{page}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("## ") && summary.contains("| keep"), "{summary}");

    let answer = prove(&url, &["--duration", "100ms", "--markdown", "-"]).expect(0);
    assert!(answer.stdout.starts_with("## "), "in place of the tables: {answer:?}");
    let nowhere = file("absent/report.html");
    let answer = prove(&url, &["--duration", "100ms", "--report", &nowhere]).expect(2);
    assert!(answer.stderr.contains("write the report to `"), "{answer:?}");
    assert!(answer.stderr.starts_with("rekindle: failed to "), "nothing ran yet: {answer:?}");
    // One that can be opened and not be written costs the report, and no more than that.
    let answer = prove(&url, &["--duration", "100ms", "--report", "/dev/full"]).expect(2);
    assert!(answer.stdout.contains("What clients noticed\n"), "{answer:?}");
    assert!(answer.stderr.contains("write the report to `/dev/full`"), "{answer:?}");
}

#[test]
fn an_example_can_be_pasted_into_a_shell() {
    let all = rekindle(&["prove", "--example", "--json"]).expect(0).objects();
    for example in &all {
        let name = example["name"].as_str().unwrap();
        let text = rekindle(&["prove", "--example", name]).expect(0).stdout;
        let (comments, line) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(comments.lines().all(|line| line.starts_with("# ")), "{text}");
        assert_eq!(line, example["command"]);
    }
    assert!(all.iter().any(|example| example["name"] == "nginx"), "{all:?}");
    let listed = rekindle(&["prove", "--example"]).expect(0).stdout;
    assert_eq!(listed.matches("rekindle prove ").count(), all.len() + 1, "{listed}");
    let refused = rekindle(&["prove", "--example", "iis"]).expect(2);
    assert!(refused.stderr.contains("nginx"), "{refused:?}");
}

#[test]
fn every_field_of_the_answer_is_documented() {
    let documentation = include_str!("../../../../docs/prove.md");
    let server = Server::with_probation("10ms");
    let lossy = web_server::start(Manner::ClosesAfter(3));
    let also = format!("idle@http://{lossy}/");
    let words = ["--control", &server.control, "--restarts", "1", "--every", "200ms", "--json"];
    let words = [&words[..], &["--mode", "keep", "--mode", &also, "--think", "5ms"]].concat();
    let answer = prove(&service_url(&server), &words).expect(1).object();
    let mut names = BTreeSet::new();
    collect(&answer, &mut names);
    assert!(names.contains("closed_between_requests") && names.contains("answered_before"));
    for name in names {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

/// The names of all fields.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                collect(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}
