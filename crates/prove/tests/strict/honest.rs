//! Nothing is noticed where nothing is wrong.

use std::collections::HashSet;
use std::time::Duration;

use rekindle_prove::{Group, Mode, Plan, Request, Tally};

use crate::server::{Act, Server, honest};

const CONNECTIONS: usize = 8;
const REQUESTS: u64 = 20;

fn modes() -> [Mode; 3] {
    [
        Mode::New,
        Mode::Keep,
        Mode::Idle {
            mean_think: Duration::from_millis(2),
        },
    ]
}

fn requests() -> [Request; 3] {
    [
        Request::get("/"),
        Request::post("/echo", 16 * 1024),
        Request::post("/echo", 100_000),
    ]
}

/// All modes and requests at once: all are answered and nothing else is counted.
async fn nothing_is_noticed_on(server: Server) {
    let mut plan = Plan::new(server.target.clone());
    for mode in modes() {
        for request in requests() {
            let group = Group::new(mode, request);
            plan = plan.group(group.connections(CONNECTIONS).requests(REQUESTS));
        }
    }
    let outcome = plan.start().unwrap().wait().await;
    let each = CONNECTIONS as u64 * REQUESTS;
    for group in &outcome.groups {
        let expected = Tally {
            started: each,
            answered: each,
            ..Tally::default()
        };
        assert_eq!(group.tally, expected, "{} {}", group.mode, group.request);
        assert_eq!(group.latency.count(), each);
        assert!(group.latency.shortest() > Duration::ZERO);
        assert_eq!(group.connections, CONNECTIONS);
    }
    assert_eq!(outcome.groups.len(), 9);
    assert_eq!(outcome.tally.answered, 9 * each);
    assert_eq!((outcome.noticed, outcome.failures.len()), (0, 0));
    assert_eq!(
        server.requests() as u64,
        9 * each,
        "no request was sent twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp() {
    nothing_is_noticed_on(Server::tcp(honest).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_unix() {
    nothing_is_noticed_on(Server::unix(honest)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chunks() {
    nothing_is_noticed_on(Server::tcp(|_| Act::AnswerChunked).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_v6() {
    let Ok(listener) = tokio::net::TcpListener::bind(("::1", 0)).await else {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    };
    nothing_is_noticed_on(Server::on(listener, honest)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_post_has_a_body_of_its_own() {
    let server = Server::unix(honest);
    let group = Group::new(Mode::Keep, Request::post("/echo", 64));
    let plan = Plan::new(server.target.clone()).group(group.connections(4).requests(50));
    plan.start().unwrap().wait().await;
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 200);
    assert_eq!(bodies.iter().collect::<HashSet<_>>().len(), 200);
}

#[tokio::test]
async fn the_seed_decides_the_bodies() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let server = Server::unix(honest);
        let group = Group::new(Mode::Keep, Request::post("/echo", 64)).requests(5);
        let plan = Plan::new(server.target.clone()).group(group).seed(seed);
        plan.start().unwrap().wait().await;
        runs.push(server.bodies());
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
