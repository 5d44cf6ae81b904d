//! Ordinary users, other users, and peers from other pid namespaces.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use rekindle_unix::{
    BindError, BindOptions, Channel, ChannelListener, ConnectError, PeerCredentials, bind,
};

use crate::child::{Running, again, as_user, in_own_process_as_user, is_child, succeed};

const PATH_VARIABLE: &str = "REKINDLE_UNIX_TEST_PATH";

fn refused(text: &str) -> BindError {
    bind(&text.parse().unwrap(), &BindOptions::new()).unwrap_err()
}

#[test]
fn a_privileged_port_is_told() {
    in_own_process_as_user("users::a_privileged_port_is_told", || {
        let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        if first.unwrap().trim().parse::<u16>().unwrap() < 2 {
            eprintln!("skipped: this machine reserves no ports");
            return;
        }
        let error = refused("127.0.0.1:1");
        assert!(matches!(error, BindError::PrivilegedPort { .. }), "{error}");
        assert!(error.to_string().contains("CAP_NET_BIND_SERVICE"), "{error}");
    });
}

#[test]
fn a_directory_that_this_user_may_not_write_to_is_told() {
    in_own_process_as_user("users::a_directory_that_this_user_may_not_write_to_is_told", || {
        let error = refused("unix:/proc/x.sock");
        let denied = matches!(
            error,
            BindError::PermissionDenied { .. } | BindError::DirectoryMissing { .. }
        );
        assert!(denied, "{error}");
        let error = refused("unix:/x.sock");
        assert!(matches!(error, BindError::PermissionDenied { .. }), "{error}");
    });
}

#[test]
fn another_user_is_kept_out_of_a_rendezvous() {
    if is_child() {
        let path = std::env::var_os(PATH_VARIABLE).unwrap();
        let error = Channel::connect(Path::new(&path)).unwrap_err();
        assert!(matches!(error, ConnectError::PermissionDenied { .. }), "{error}");
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can play another user");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let listener = ChannelListener::bind(&path).unwrap();
    let mut command = again("users::another_user_is_kept_out_of_a_rendezvous");
    command.env(PATH_VARIABLE, &path);
    as_user(&mut command);
    succeed(command);
    assert!(listener.accept().unwrap().is_none());
}

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
        let everybody = PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(open, everybody).unwrap();
    }
    let mut command = again("users::a_peer_of_another_user_may_not_control");
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
    let test = again("users::a_peer_outside_of_our_pid_namespace_has_no_pid");
    let mut command = Command::new("unshare");
    command
        .args(namespace)
        .arg(test.get_program())
        .args(test.get_args())
        .envs(test.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))))
        .stdin(OwnedFd::from(theirs));
    succeed(command);
}
