//! Our own example: its clients notice nothing of ten upgrades on HTTP/1.1, and over HTTP/2
//! goodbyes.

use std::net::SocketAddr;
use std::path::Path;

use rekindle_e2e::{ForeignServer, own_address};
use tempfile::TempDir;

use crate::command::{Found, prove};

const RESTARTS: usize = 10;

/// The example with axum, which serves.
fn example() -> (ForeignServer, SocketAddr) {
    let address = own_address();
    let listen = address.to_string();
    let words = ["--listen", &listen, "--control", "control.sock", "--pid-file", "axum.pid"];
    let words = [&words[..], &["--probation", "100ms"]].concat();
    let program = Path::new(env!("CARGO_BIN_EXE_example_axum"));
    let mut server = ForeignServer::start(TempDir::new().unwrap(), program, &words);
    server.wait_until_it_listens(address);
    (server, address)
}

/// Upgrades the example under this load.
fn upgrade(way: impl Fn(&ForeignServer) -> Vec<String>, load: &[&str]) -> Found {
    let (server, address) = example();
    let (url, way) = (format!("http://{address}/"), way(&server));
    let way: Vec<_> = way.iter().map(String::as_str).collect();
    let times = ["--restarts", "10", "--every", "400ms"];
    prove(&[&[url.as_str()][..], &way, &times, load].concat())
}

fn by_control(server: &ForeignServer) -> Vec<String> {
    vec!["--control".into(), server.path("control.sock")]
}

fn by_signal(server: &ForeignServer) -> Vec<String> {
    let signal = ["--signal", "HUP", "--pid-file"].map(String::from);
    [&signal[..], &[server.path("axum.pid")]].concat()
}

#[test]
fn nothing_is_noticed_of_upgrades_on_any_kind_of_http_1_connection() {
    let modes = "--mode new --mode keep --mode idle --mode post@/echo --mode slow@/slow?ms=700 \
         --mode upload@/echo --upload-time 700ms --connections 36";
    let load: Vec<_> = modes.split_whitespace().collect();
    let found = upgrade(by_control, &load);
    found.nothing_noticed(RESTARTS);
    let groups: Vec<_> = found.groups().collect();
    assert_eq!(groups, ["new", "keep", "idle", "post", "slow", "upload"]);
}

#[test]
fn nothing_is_noticed_of_upgrades_by_signal_on_a_schedule() {
    let load = ["--rate", "2000", "--connections", "24", "--mode", "new", "--mode", "keep"];
    upgrade(by_signal, &load).nothing_noticed(RESTARTS);
}

/// Each stream that a client had begun when it heard the goodbye is answered.
#[test]
fn http_2_is_told_goodbye_and_loses_nothing() {
    let load = "--mode h2 --connections 4 --allow announced_close=1000";
    let load: Vec<_> = load.split_whitespace().collect();
    let found = upgrade(by_control, &load);
    found.allowed(RESTARTS);
    assert!(found.count("h2", "announced_close") > 0);
}
