//! The environment, in a process of its own: what is taken is gone for all children.

use std::process::Command;

use rekindle_unix::take_variable;

use crate::child::{again, is_child, succeed};

const MARKER: &str = "REKINDLE_UNIX_TEST_MARKER";

#[test]
fn a_variable_is_read_once_and_no_child_sees_it() {
    if !is_child() {
        let mut command = again("environment::a_variable_is_read_once_and_no_child_sees_it");
        command.env(MARKER, "value").env("REKINDLE_UNIX_TEST_MARKER_2", "stays");
        succeed(command);
        return;
    }
    let seen_by_a_child = || {
        let output = Command::new("/usr/bin/env").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(seen_by_a_child().contains("REKINDLE_UNIX_TEST_MARKER=value"));
    assert_eq!(take_variable(MARKER).unwrap(), "value");
    assert_eq!(take_variable(MARKER), None);
    let environment = seen_by_a_child();
    assert!(!environment.contains("REKINDLE_UNIX_TEST_MARKER="), "{environment}");
    assert!(environment.contains("REKINDLE_UNIX_TEST_MARKER_2=stays"), "{environment}");
}
