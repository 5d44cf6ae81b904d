//! nginx, which loses nobody on a new connection when it is reloaded, and ends all kept ones.
//!
//! Its old workers close the connections that are idle to them without a word, whether a request is
//! on its way or not, and say goodbye with the answers that they still give. Each kept connection
//! therefore ends at each reload, which is certain; that a request is lost by it is a matter of
//! microseconds, and may be found or not.

use std::fs;
use std::net::SocketAddr;

use rekindle_e2e::{ForeignServer, installed, own_address};
use tempfile::TempDir;

use crate::command::{kept, prove};

const RESTARTS: usize = 4;
/// So many connections of each group.
const CONNECTIONS: u64 = 8;
const KEPT: [&str; 2] = ["keep", "idle"];

struct Nginx {
    server: ForeignServer,
    address: SocketAddr,
    program: String,
}

impl Nginx {
    /// Starts one of our own, with a configuration and files of its own; none if it is not here.
    fn start() -> Option<Self> {
        let program = installed("nginx", "nginx-light")?;
        let (directory, address) = (TempDir::new().unwrap(), own_address());
        fs::write(directory.path().join("nginx.conf"), configuration(address)).unwrap();
        let prefix = directory.path().to_str().unwrap().to_owned();
        let words = ["-p", &prefix, "-c", "nginx.conf", "-e", "stderr"];
        let mut server = ForeignServer::start(directory, &program, &words);
        server.wait_until_it_listens(address);
        let program = program.to_str().unwrap().to_owned();
        Some(Self { server, address, program })
    }

    /// How often an answer was sent to the path.
    fn answered(&self, path: &str) -> u64 {
        let log = fs::read_to_string(self.server.path("access.log")).unwrap();
        log.lines().filter(|line| *line == format!("200 {path}")).count() as u64
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Two workers, who keep connections for as long as they live and note each answer at once.
fn configuration(address: SocketAddr) -> String {
    format!(
        "daemon off; worker_processes 2; pid nginx.pid;
        events {{ worker_connections 512; }}
        http {{
            log_format answers '$status $uri';
            access_log access.log answers;
            keepalive_requests 1000000000; keepalive_timeout 1h;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{
                listen {address};
                default_type text/plain;
                return 200 'pid $pid';
            }}
        }}"
    )
}

/// The words that all trials have.
const LOAD: [&str; 14] = [
    "--restarts",
    "4",
    "--every",
    "1s",
    "--connections",
    "24",
    "--think",
    "20ms",
    "--mode",
    "new",
    "--mode",
    "keep@/keep",
    "--mode",
    "idle@/idle",
];

/// Reloads nginx in this way under load, and says what has to be found whatever the way.
fn reload(nginx: &Nginx, words: &[&str]) {
    let found = prove(&[&[nginx.url("/new").as_str()], &LOAD[..], words].concat());
    found.noticed(RESTARTS);
    assert_eq!(found.ends(&["new"]), 0, "new connections lose nothing: {:#?}", found.failures());
    assert!(found.count("new", "answered") > 0);
    assert_eq!(found.count("new", "answered"), found.count("new", "started"));
    for group in KEPT {
        let ends = found.ends(&[group]);
        assert!(ends >= CONNECTIONS * RESTARTS as u64, "only {ends} ends of {group} were found");
    }
    // That each of eight clients asks at the very moment, four times, does not happen.
    assert!(found.count("idle", "closed_between_requests") > 0, "{:#?}", found.failures());
    for counter in ["refused", "timed_out", "wrong", "unsolicited", "could_not_measure"] {
        assert_eq!(found.total(counter), 0, "{counter}: {:#?}", found.failures());
    }
    // nginx itself says how often it answered; the look before the trial asks once for each group.
    for group in ["new", "keep", "idle"] {
        let answered = nginx.answered(&format!("/{group}"));
        assert_eq!(found.count(group, "answered") + 1, answered, "answers to {group}");
    }
}

#[test]
fn reloads_end_kept_connections_and_lose_no_new_one() {
    let Some(nginx) = Nginx::start() else { return };
    let prefix = nginx.server.path("");
    let command = format!("{} -p {prefix} -c nginx.conf -e stderr -s reload", nginx.program);
    let (html, markdown) = (kept("nginx.html"), kept("nginx.md"));
    let by_pid = ["--recognise", r"body:pid (\d+)", "--report", &html, "--markdown", &markdown];
    reload(&nginx, &[&["--restart", &command][..], &by_pid].concat());
    let page = fs::read_to_string(html).unwrap();
    assert!(page.contains("closed between requests"), "the report tells of it");
    assert!(fs::read_to_string(markdown).unwrap().contains("| idle |"));
}

#[test]
fn workers_that_do_not_name_themselves_are_told_apart_by_the_system() {
    let Some(nginx) = Nginx::start() else { return };
    let pid_file = nginx.server.path("nginx.pid");
    let by_proc = ["--signal", "HUP", "--pid-file", &pid_file, "--recognise", "proc"];
    reload(&nginx, &by_proc);
}
