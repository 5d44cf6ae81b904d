//! Several starting processes at one stale path: exactly one has it in the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Stdio;

use rekindle_unix::{Address, BindError, BindOptions, UnixName, bind};

use crate::child::{Running, again, another, role, succeed};
use crate::events::wait_readable;

const TEST: &str = "race::of_racing_processes_exactly_one_replaces_a_stale_path";
const STARTER: &str = "starter";
const PATH_VARIABLE: &str = "REKINDLE_UNIX_TEST_PATH";

#[test]
fn of_racing_processes_exactly_one_replaces_a_stale_path() {
    match role().as_deref() {
        // A process of its own, so that no other test's child has a copy of the stale socket.
        None => succeed(again(TEST)),
        Some(STARTER) => play_a_starter(),
        Some(_) => race(),
    }
}

fn race() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    drop(UnixListener::bind(&path).unwrap());
    let mut starters: Vec<Running> = (0..6)
        .map(|_| {
            let mut command = another(TEST, STARTER);
            command.env(PATH_VARIABLE, &path).stdin(Stdio::piped());
            Running::start(command)
        })
        .collect();
    // All are up and wait before any is let go.
    let mut outputs: Vec<_> =
        starters.iter_mut().map(|child| BufReader::new(child.0.stdout.take().unwrap())).collect();
    for output in &mut outputs {
        wait_for(output, &["up"]);
    }
    for starter in &mut starters {
        starter.0.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }
    let outcomes: Vec<&str> =
        outputs.iter_mut().map(|output| wait_for(output, &["won", "lost"])).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "won").count(), 1, "{outcomes:?}");
    // The winner still runs, and its path is its own.
    let mut answer = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "served");
}

/// Reads lines until one of these words stands at the end of one, which the harness may have
/// begun with the test's name.
fn wait_for(output: &mut impl BufRead, words: &[&'static str]) -> &'static str {
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended early");
        if let Some(word) = words.iter().find(|word| line.trim_end().ends_with(**word)) {
            return word;
        }
    }
}

fn play_a_starter() {
    let path = PathBuf::from(std::env::var_os(PATH_VARIABLE).unwrap());
    println!("up");
    std::io::stdin().lines().next().unwrap().unwrap();
    let address = Address::UnixStream(UnixName::Path(path));
    let listener = match bind(&address, &BindOptions::new()) {
        Ok(socket) => UnixListener::from(socket),
        Err(BindError::InUse { .. }) => {
            println!("lost");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    println!("won");
    wait_readable(&listener);
    listener.accept().unwrap().0.write_all(b"served").unwrap();
}
