//! Peers of other users and of other pid namespaces, as they really are.

use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use rekindle_unix::PeerCredentials;

use crate::support::{Running, again, as_user, is_child, succeed};

const PATH_VARIABLE: &str = "REKINDLE_UNIX_TEST_PATH";

#[test]
fn a_peer_of_another_user_may_not_control() {
    if is_child() {
        let path = std::env::var_os(PATH_VARIABLE).unwrap();
        let client = UnixStream::connect(path).unwrap();
        // The listener is root's, who may.
        assert!(PeerCredentials::of(&client).unwrap().may_control());
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can play another user");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let listener = UnixListener::bind(&path).unwrap();
    for open in [directory.path(), path.as_path()] {
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(open, everybody).unwrap();
    }
    let mut command = again("peer::a_peer_of_another_user_may_not_control");
    command.env(PATH_VARIABLE, &path);
    as_user(&mut command);
    let child = Running::start(command);
    let peer = PeerCredentials::of(listener.accept().unwrap().0).unwrap();
    assert_eq!(peer.pid, Some(child.0.id()));
    assert_ne!(peer.uid, 0);
    assert!(!peer.may_control());
    child.succeed();
}

#[test]
fn a_peer_outside_of_our_pid_namespace_has_no_pid() {
    if is_child() {
        let inherited = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        let peer = PeerCredentials::of(&inherited).unwrap();
        assert_eq!(peer.pid, None);
        assert_eq!(peer.uid, 0);
        return;
    }
    let namespace = ["--pid", "--fork", "--kill-child"];
    let possible = Command::new("unshare").args(namespace).arg("true").output();
    let possible = possible.is_ok_and(|output| output.status.success());
    if !possible || !rustix::process::geteuid().is_root() {
        eprintln!("skipped: this user cannot make a pid namespace");
        return;
    }
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let test = again("peer::a_peer_outside_of_our_pid_namespace_has_no_pid");
    let mut command = Command::new("unshare");
    command
        .args(namespace)
        .arg(test.get_program())
        .args(test.get_args())
        .envs(test.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))))
        .stdin(std::os::fd::OwnedFd::from(theirs));
    succeed(command);
}
