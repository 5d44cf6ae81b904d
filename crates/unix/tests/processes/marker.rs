//! A spawned process finds its channel by the marker, and no other process ever believes it.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::support::{DEADLINE, HELPER, output_of, value};
use rekindle_unix::{CHANNEL_VARIABLE, ExitStatus, Marker, Program, SpawnOptions, spawn};
use tempfile::TempDir;

/// Spawns the helper with a descriptor and a marker, its output going to a file; gives that.
fn spawned(inherit: &OwnedFd, marker: Marker) -> String {
    let home = TempDir::new().unwrap();
    let mut program = Program::new("/bin/sh").unwrap();
    program.set_directory(home.path());
    program.set_arguments(["-c", r#"exec "$1" marker > out"#, "sh", HELPER]);
    let options = SpawnOptions {
        inherit: Some(inherit.as_fd()),
        variables: vec![(CHANNEL_VARIABLE.into(), marker.to_value())],
        ..SpawnOptions::default()
    };
    let mut child = spawn(&program, &options).unwrap();
    assert_eq!(child.wait_for(DEADLINE).unwrap(), Some(ExitStatus::Code(0)));
    std::fs::read_to_string(home.path().join("out")).unwrap()
}

/// Starts the helper with this value of the variable and no descriptor; gives its output.
fn started_with(value: &str) -> String {
    output_of(
        Command::new(HELPER)
            .arg("marker")
            .env(CHANNEL_VARIABLE, value),
    )
}

#[test]
fn a_spawned_process_adopts_its_end_and_speaks_on_it() {
    let (theirs, mut ours) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    let marker = Marker::for_descriptor(theirs.as_fd()).unwrap();
    let output = spawned(&theirs, marker);
    assert!(
        value(&output, "adopted").starts_with(&theirs.as_raw_fd().to_string()),
        "{output}"
    );
    assert!(value(&output, "adopted").contains("CLOEXEC"), "{output}");
    assert_eq!(value(&output, "variable"), "None");
    assert_eq!(value(&output, "again"), "false");

    drop(theirs);
    let mut text = String::new();
    ours.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn a_marker_for_another_socket_is_refused_and_the_socket_left_alone() {
    let (meant, _other) = UnixStream::pair().unwrap();
    let (passed, mut ours) = UnixStream::pair().unwrap();
    let passed = OwnedFd::from(passed);
    let marker = Marker::for_descriptor(meant.as_fd()).unwrap();
    let meant = marker.to_value().into_string().unwrap();
    let (_, inode) = meant.split_once(':').unwrap();
    let lie = format!("{}:{inode}", passed.as_raw_fd());
    let lie = Marker::parse(lie.as_ref()).unwrap();
    let output = spawned(&passed, lie);
    assert!(
        value(&output, "refused").starts_with("stale=true"),
        "{output}"
    );
    assert_eq!(value(&output, "variable"), "None");

    drop(passed);
    let mut text = String::new();
    ours.read_to_string(&mut text).unwrap();
    assert_eq!(text, "", "nobody spoke on it");
}

#[test]
fn a_grandchild_without_the_descriptor_does_not_believe_the_marker() {
    let (theirs, _ours) = UnixStream::pair().unwrap();
    let marker = Marker::for_descriptor(theirs.as_fd()).unwrap();
    let output = started_with(&marker.to_value().into_string().unwrap());
    assert!(
        value(&output, "refused").starts_with("stale=true"),
        "{output}"
    );
    assert_eq!(value(&output, "variable"), "None");
}

#[test]
fn a_marker_that_is_garbage_is_refused_and_removed() {
    for garbage in ["", "x", "1:1", "3:x", "3:1:1"] {
        let output = started_with(garbage);
        assert!(
            value(&output, "refused").starts_with("stale=false"),
            "{garbage:?}: {output}"
        );
        assert_eq!(value(&output, "variable"), "None");
    }
}

#[test]
fn without_a_marker_there_is_no_channel() {
    let output = output_of(
        Command::new(HELPER)
            .arg("marker")
            .env_remove(CHANNEL_VARIABLE),
    );
    assert!(output.starts_with("none\n"), "{output}");
}

#[test]
fn a_variable_that_was_taken_is_seen_by_no_child() {
    let output = output_of(
        Command::new(HELPER)
            .args(["take", "LEFTOVER"])
            .env("LEFTOVER", "x=y"),
    );
    let expected = "taken Some(\"x=y\")\nagain None\nchild has none\nchild has none\n";
    assert_eq!(output, expected);
}
