//! Listeners passed by a service manager, to a process started as one would: through `execve`,
//! with numbers from 3 on.

use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;

use rekindle_unix::{
    Address, SocketKind,
    listen_fds::{self, ListenFdsError, TakeListenFdsError},
    verify,
};
use rustix::io::FdFlags;

use crate::child::{again, is_child, succeed};

const LOCAL_VARIABLE: &str = "REKINDLE_UNIX_TEST_LOCAL";

const VARIABLES: [&str; 4] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];

/// Starts the named test again with a listener at descriptors 3 and 4. `variables` is a piece of
/// shell that sets the variables; `$$` is the number of the process that the test will be.
fn started_by_a_manager(test: &str, variables: &str) -> Command {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let test = again(test);
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("{variables}; exec \"$@\" 3<&0 4<&0"))
        .arg("sh")
        .arg(test.get_program())
        .args(test.get_args())
        .envs(test.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))))
        .env(LOCAL_VARIABLE, listener.local_addr().unwrap().to_string())
        .stdin(OwnedFd::from(listener));
    shell
}

/// What a child of this process is given: its environment, and how many descriptors from 3 on.
fn seen_by_a_child() -> (String, usize) {
    let output = Command::new("/usr/bin/env").output().unwrap();
    let environment = String::from_utf8(output.stdout).unwrap();
    let script = "for fd in 3 4 5 6 7 8 9; do if true 2>/dev/null <&$fd; then echo $fd; fi; done";
    let output = Command::new("/bin/sh").args(["-c", script]).output().unwrap();
    let descriptors = String::from_utf8(output.stdout).unwrap();
    (environment, descriptors.lines().count())
}

#[test]
fn passed_listeners_are_taken_once_and_no_child_sees_them() {
    if !is_child() {
        succeed(started_by_a_manager(
            "listen_fds::passed_listeners_are_taken_once_and_no_child_sees_them",
            "export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=web:admin LISTEN_PIDFDID=1",
        ));
        return;
    }
    let (environment, descriptors) = seen_by_a_child();
    assert!(environment.contains("LISTEN_FDS=2"));
    assert_eq!(descriptors, 2, "the test itself must pass descriptors on");
    let taken = listen_fds::take().unwrap();
    let names: Vec<&str> = taken.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["web", "admin"]);
    let local = std::env::var(LOCAL_VARIABLE).unwrap();
    let local: Address = local.parse().unwrap();
    for (number, (_, listener)) in (3..).zip(&taken) {
        assert_eq!(listener.as_raw_fd(), number);
        verify(listener.as_fd(), SocketKind::Tcp, Some(&local)).unwrap();
        assert!(rustix::io::fcntl_getfd(listener).unwrap().contains(FdFlags::CLOEXEC));
    }
    let (environment, descriptors) = seen_by_a_child();
    for variable in VARIABLES {
        assert!(!environment.contains(variable), "{environment}");
    }
    assert_eq!(descriptors, 0);
    assert!(listen_fds::take().unwrap().is_empty(), "they were taken a second time");
}

#[test]
fn listeners_without_names_are_unknown() {
    if !is_child() {
        succeed(started_by_a_manager(
            "listen_fds::listeners_without_names_are_unknown",
            "unset LISTEN_FDNAMES; export LISTEN_FDS=1 LISTEN_PID=$$",
        ));
        return;
    }
    let taken = listen_fds::take().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].0, "unknown");
}

#[test]
fn what_another_process_was_passed_is_left_alone_and_its_variables_are_removed() {
    if !is_child() {
        for variables in [
            "export LISTEN_FDS=2 LISTEN_PID=1",
            "unset LISTEN_PID; export LISTEN_FDS=2",
            "unset LISTEN_FDS; export LISTEN_PID=$$",
        ] {
            succeed(started_by_a_manager(
                "listen_fds::\
                 what_another_process_was_passed_is_left_alone_and_its_variables_are_removed",
                variables,
            ));
        }
        return;
    }
    assert!(listen_fds::take().unwrap().is_empty());
    for variable in VARIABLES {
        assert_eq!(std::env::var_os(variable), None);
    }
    assert_eq!(seen_by_a_child().1, 2, "the descriptors are not ours to change");
}

#[test]
fn malformed_variables_are_told_and_removed() {
    if !is_child() {
        succeed(started_by_a_manager(
            "listen_fds::malformed_variables_are_told_and_removed",
            "export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=web",
        ));
        return;
    }
    let error = listen_fds::take().unwrap_err();
    let told = matches!(
        error,
        TakeListenFdsError::Variables(ListenFdsError::NameCount { names: 1, descriptors: 2 })
    );
    assert!(told, "{error}");
    for variable in VARIABLES {
        assert_eq!(std::env::var_os(variable), None);
    }
}

#[test]
fn a_descriptor_that_is_not_there_is_told_and_none_is_changed() {
    if !is_child() {
        succeed(started_by_a_manager(
            "listen_fds::a_descriptor_that_is_not_there_is_told_and_none_is_changed",
            "export LISTEN_FDS=3 LISTEN_PID=$$ LISTEN_FDNAMES=web:admin:extra",
        ));
        return;
    }
    let error = listen_fds::take().unwrap_err();
    let told = matches!(
        &error,
        TakeListenFdsError::NotOpen { name, descriptor: 5 } if name == "extra"
    );
    assert!(told, "{error}");
    assert_eq!(seen_by_a_child().1, 2, "the others were closed or changed");
}

#[test]
fn a_descriptor_of_our_own_is_never_adopted() {
    if !is_child() {
        succeed(started_by_a_manager(
            "listen_fds::a_descriptor_of_our_own_is_never_adopted",
            "unset LISTEN_FDNAMES; export LISTEN_FDS=3 LISTEN_PID=$$",
        ));
        return;
    }
    let own = tempfile::tempfile().unwrap();
    assert_eq!(own.as_raw_fd(), 5);
    let error = listen_fds::take().unwrap_err();
    assert!(matches!(error, TakeListenFdsError::NotInherited { descriptor: 5, .. }), "{error}");
    own.metadata().expect("our own file was closed by the taking");
}
