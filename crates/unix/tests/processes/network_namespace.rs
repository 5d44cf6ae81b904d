//! What depends on settings of the network that no test may change for the whole machine: each
//! test has a network of its own, if this user can make one.

use std::os::fd::AsFd;
use std::process::Command;

use rekindle_unix::{Address, BindOptions, SocketKind, bind, inspect};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use crate::child::{again, is_child, succeed};

/// Runs `body` in a network of its own, for which `setting` in `/proc/sys/net` has this value.
fn in_own_network(test: &str, setting: &str, value: &str, body: impl FnOnce()) {
    if is_child() {
        body();
        return;
    }
    let possible = Command::new("unshare").args(["--net", "true"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot make a network namespace");
        return;
    }
    let test = again(test);
    let mut command = Command::new("unshare");
    command
        .args(["--net", "/bin/sh", "-c"])
        .arg(format!(
            "echo '{value}' > /proc/sys/net/{setting} && exec \"$@\""
        ))
        .arg("sh")
        .arg(test.get_program())
        .args(test.get_args())
        .envs(
            test.get_envs()
                .filter_map(|(name, value)| value.map(|value| (name, value))),
        );
    succeed(command);
}

#[test]
fn a_dual_stack_listener_is_one_whatever_the_machines_default() {
    let test = "network_namespace::a_dual_stack_listener_is_one_whatever_the_machines_default";
    in_own_network(test, "ipv6/bindv6only", "1", || {
        for text in ["[::]:0", "udp:[::]:0"] {
            let asked: Address = text.parse().unwrap();
            let socket = bind(&asked, &BindOptions::new()).unwrap();
            assert!(!sockopt::ipv6_v6only(&socket).unwrap(), "{text}");
            let local = inspect(socket.as_fd()).unwrap().local.unwrap();
            assert!(!local.internet().unwrap().only_v6(), "{text}");
        }
    });
}

#[test]
fn the_default_backlog_follows_the_system() {
    let test = "network_namespace::the_default_backlog_follows_the_system";
    in_own_network(test, "core/somaxconn", "3", || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let text = format!("unix-seqpacket:{}", path.display());
        let _listener = bind(&text.parse().unwrap(), &BindOptions::new()).unwrap();
        let waiting = (0..100)
            .map_while(|_| rekindle_unix::Channel::connect(&path).ok())
            .collect::<Vec<_>>();
        // The kernel refuses when more wait than the backlog, so it holds one more.
        assert_eq!(waiting.len(), 4);
    });
}

#[test]
fn a_ping_socket_is_a_datagram_socket_and_not_udp() {
    let test = "network_namespace::a_ping_socket_is_a_datagram_socket_and_not_udp";
    in_own_network(test, "ipv4/ping_group_range", "0 2147483647", || {
        let ping = rustix::net::socket_with(
            AddressFamily::INET,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(ipproto::ICMP),
        )
        .unwrap();
        let found = inspect(ping.as_fd()).unwrap();
        assert_eq!(found.kind, SocketKind::Other);
    });
}
