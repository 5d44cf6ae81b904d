//! gunicorn, which on HUP replaces its workers: it loses nobody on a new connection, and requests
//! on kept ones.
//!
//! A worker that leaves does not read from its kept connections any more and closes them when it
//! ends. Only a request that it is already working on is answered, with a goodbye. Each kept
//! connection therefore ends at each restart; those that are idle meanwhile end without a word, and
//! the requests that they make until then are lost.

use std::fs;

use rekindle_e2e::{ForeignServer, installed};
use tempfile::TempDir;

use crate::command::prove;

const APPLICATION: &str = r#"
import os

def application(environ, start_response):
    body = b"pid %d\n" % os.getpid()
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", str(len(body)))])
    return [body]
"#;

/// Threads enough for all connections, so that nobody waits for one.
const WORDS: [&str; 14] = [
    "--bind",
    "127.0.0.1:0",
    "--pid",
    "gunicorn.pid",
    "--workers",
    "2",
    "--worker-class",
    "gthread",
    "--threads",
    "24",
    "--keep-alive",
    "60",
    "--graceful-timeout",
    "5",
];

/// What it says before its address.
const LISTENING: &str = "Listening at: ";

#[test]
fn a_hang_up_loses_requests_on_kept_connections_and_no_new_one() {
    let Some(program) = installed("gunicorn", "gunicorn") else { return };
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("app.py"), APPLICATION).unwrap();
    let words = [&WORDS[..], &["app:application"]].concat();
    let mut gunicorn = ForeignServer::start(directory, &program, &words);
    let url = gunicorn.wait_for("it listens", |server| {
        let log = server.log();
        let (_, said) = log.split_once(LISTENING)?;
        Some(said.split_once(' ')?.0.to_owned())
    });
    let pid_file = gunicorn.path("gunicorn.pid");
    let restarts = ["--signal", "HUP", "--pid-file", &pid_file, "--restarts", "4", "--every", "2s"];
    let load = ["--connections", "24", "--think", "100ms", "--recognise", r"body:pid (\d+)"];
    let found = prove(&[&[url.as_str()][..], &restarts, &load].concat());
    found.noticed(4);
    assert_eq!(found.ends(&["new"]), 0, "new connections lose nothing: {:#?}", found.failures());
    assert_eq!(found.count("new", "answered"), found.count("new", "started"));
    for group in ["keep", "idle"] {
        let ends = found.ends(&[group]);
        assert!(ends >= 8 * 4, "only {ends} ends of {group} were found");
    }
    // That all who think are just being answered, four times, does not happen.
    let unannounced = found.ends(&["idle"]) - found.count("idle", "announced_close");
    assert!(unannounced > 0, "{:#?}", found.failures());
    for counter in ["refused", "timed_out", "wrong", "unsolicited", "could_not_measure"] {
        assert_eq!(found.total(counter), 0, "{counter}: {:#?}", found.failures());
    }
}
