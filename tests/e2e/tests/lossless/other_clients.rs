//! Load by programs that nobody of this project wrote, and that are known not to look away.

use rekindle_e2e::{OtherClient, Server};

use crate::{moved_in, restart, server, settings};

const RESTARTS: u64 = 10;

fn url(server: &Server) -> String {
    format!("http://{}/", server.socket_address("http"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_notices_nothing() {
    let server = server(&settings());
    let url = url(&server);
    let mut wrk = OtherClient::start("wrk", "wrk", &["-t2", "-c32", "-d60s", &url]);
    restart(&server, RESTARTS);
    assert!(wrk.is_at_work());
    // It would not tell of a goodbye: none of its connections was closed if all have moved.
    moved_in(&server, 32);
    assert_eq!(server.status().moved_in, 32);
    // It then tells what it has found so far.
    wrk.interrupt();
    let said = wrk.findings();
    assert!(said.contains("requests in"), "{said}");
    for notice in ["Socket errors", "Non-2xx"] {
        assert!(!said.contains(notice), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h2load_notices_nothing() {
    let server = server(&settings());
    let url = url(&server);
    // Over HTTP/2 it counts as failed what crosses the server's goodbye, where others send it again
    // as they may. What those see is in the tests of HTTP/2.
    let arguments = ["--h1", "-t2", "-c32", "-D6", &url];
    let mut h2load = OtherClient::start("h2load", "nghttp2-client", &arguments);
    restart(&server, RESTARTS);
    assert!(h2load.is_at_work());
    moved_in(&server, 32);
    let said = h2load.findings();
    let requests = said.lines().find(|line| line.starts_with("requests:")).expect(&said);
    for nothing in [" 0 failed", " 0 errored", " 0 timeout"] {
        assert!(requests.contains(nothing), "{said}");
    }
    assert!(!requests.contains(" 0 succeeded"), "{said}");
}
