//! The client's own ports: it does not run out of them, and if it does it is nobody else's fault.

use std::process::Command;
use std::time::Duration;

use rekindle_prove::{FailureKind, Group, Mode, Plan, Request, Tally};

use crate::server::{Server, honest};

/// More than twice as many connections as one address has ports.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_thousand_connections() {
    const CONNECTIONS: u64 = 60_000;
    let server = Server::tcp(honest).await;
    let group = Group::new(Mode::New, Request::get("/")).connections(20);
    let plan = Plan::new(server.target.clone()).group(group.requests(CONNECTIONS / 20));
    let outcome = plan.start().unwrap().wait().await;
    let all = Tally {
        started: CONNECTIONS,
        answered: CONNECTIONS,
        ..Tally::default()
    };
    assert_eq!(outcome.tally, all, "{:?}", outcome.failures);
}

/// In a network of its own with 16 ports: 100 connections at once need seven addresses.
#[test]
fn with_sixteen_ports_other_addresses_serve() {
    in_a_network_of_16_ports("with_sixteen_ports_other_addresses_serve", async || {
        let server = Server::tcp(honest).await;
        let group = Group::new(Mode::Keep, Request::get("/"))
            .connections(100)
            .requests(3);
        let pause = group.pause(Duration::from_millis(50));
        let outcome = Plan::new(server.target.clone())
            .group(pause)
            .start()
            .unwrap()
            .wait()
            .await;
        let all = Tally {
            started: 300,
            answered: 300,
            ..Tally::default()
        };
        assert_eq!(outcome.tally, all, "{:?}", outcome.failures);
    });
}

/// As above, with more connections at once than all 64 addresses have ports.
#[test]
fn without_any_port_nothing_is_measured_and_nothing_noticed() {
    in_a_network_of_16_ports(
        "without_any_port_nothing_is_measured_and_nothing_noticed",
        async || {
            let server = Server::tcp(honest).await;
            let group = Group::new(Mode::Keep, Request::get("/"))
                .connections(1_100)
                .requests(1);
            let pause = group.pause(Duration::from_secs(60));
            let outcome = Plan::new(server.target.clone())
                .group(pause)
                .start()
                .unwrap()
                .wait()
                .await;
            let Tally {
                answered,
                could_not_measure,
                ..
            } = outcome.tally;
            let expected = Tally {
                started: 1_100,
                answered,
                could_not_measure,
                ..Tally::default()
            };
            assert_eq!(outcome.tally, expected);
            assert!(could_not_measure > 0 && outcome.noticed == 0);
            let kinds = outcome.failures.iter().map(|failure| failure.kind);
            assert!(
                kinds
                    .clone()
                    .all(|kind| kind == FailureKind::CouldNotMeasure)
            );
            assert_eq!(kinds.count() as u64, could_not_measure);
        },
    );
}

const INSIDE: &str = "REKINDLE_PROVE_TEST_INSIDE";

/// Runs this test once more in a network namespace whose ephemeral ports are 16.
fn in_a_network_of_16_ports(test: &str, body: impl AsyncFnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(body());
    }
    let prepare = "ip link set lo up && \
                   echo 40000 40015 > /proc/sys/net/ipv4/ip_local_port_range";
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--net",
            "sh",
            "-c",
            script,
            "sh",
        ]);
        command
    };
    if !unshared(prepare)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("skipped: `unshare` or `ip` is missing or may not make a network namespace");
        return;
    }
    let itself = std::env::current_exe().unwrap();
    let output = unshared(&format!("{prepare} && exec \"$@\""))
        .arg(itself)
        .args(["--exact", &format!("ports::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("1 passed"), "the test was not found: {said}");
}
