//! Several starters at one Unix socket path: exactly one has it in the end, and nobody's is
//! stolen.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;

use rekindle_unix::{Address, BindError, BindOptions, SocketPath, UnixName, bind};

use crate::support::{Running, again, is_child};

const PATH_VARIABLE: &str = "REKINDLE_UNIX_TEST_PATH";

fn start(path: &Path) -> Result<UnixListener, BindError> {
    let address = Address::UnixStream(UnixName::Path(path.to_path_buf()));
    bind(&address, &BindOptions::new()).map(UnixListener::from)
}

fn leave_stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

/// Whether a client of the path reaches this very listener.
fn serves(listener: &UnixListener, path: &Path) -> bool {
    let Ok(_client) = UnixStream::connect(path) else {
        return false;
    };
    listener.accept().is_ok()
}

#[test]
fn of_racing_threads_exactly_one_replaces_a_stale_path() {
    const STARTERS: usize = 12;
    for round in 0..40 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        if round % 2 == 0 {
            leave_stale(&path);
        }
        let barrier = Barrier::new(STARTERS);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let starters: Vec<_> = (0..STARTERS)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        start(&path)
                    })
                })
                .collect();
            starters.into_iter().map(|starter| starter.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{won:?}");
        for outcome in lost {
            let error = outcome.unwrap_err();
            assert!(matches!(error, BindError::InUse { .. }), "{error}");
        }
        assert!(serves(won[0].as_ref().unwrap(), &path), "the winner's path was stolen");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

/// Starters come while owners go: whoever holds the path at the end must be reachable there.
#[test]
fn an_owner_that_leaves_never_removes_its_successors_path() {
    const ROUNDS: usize = 200;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let Ok(listener) = start(&path) else { continue };
                    let claimed = SocketPath::claim(&path).unwrap();
                    assert!(serves(&listener, &path), "the owner's path was removed or stolen");
                    // The wrong order, on purpose: between the two, others find it stale.
                    drop(listener);
                    claimed.remove().unwrap();
                }
            });
        }
    });
    let listener = start(&path).unwrap();
    assert!(serves(&listener, &path));
}

#[test]
fn of_racing_processes_exactly_one_replaces_a_stale_path() {
    if is_child() {
        play_a_starter();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    leave_stale(&path);
    let mut starters: Vec<Running> = (0..6)
        .map(|_| {
            let mut command = again("race::of_racing_processes_exactly_one_replaces_a_stale_path");
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
    let mut stdin = std::io::stdin().lines();
    println!("up");
    stdin.next().unwrap().unwrap();
    let listener = match start(&path) {
        Ok(listener) => listener,
        Err(BindError::InUse { .. }) => {
            println!("lost");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    println!("won");
    let deadline = std::time::Instant::now() + crate::support::DEADLINE;
    crate::support::wait_readable(&listener);
    listener.accept().unwrap().0.write_all(b"served").unwrap();
    assert!(std::time::Instant::now() < deadline);
}
