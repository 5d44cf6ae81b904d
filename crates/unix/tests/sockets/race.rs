//! Several starters at one Unix socket path: exactly one has it in the end, and nobody's is
//! stolen.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Barrier;

use rekindle_unix::{Address, BindError, BindOptions, SocketPath, UnixName, bind};

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
    const STARTERS: usize = 3;
    for round in 0..400 {
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
            starters
                .into_iter()
                .map(|starter| starter.join().unwrap())
                .collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{won:?}");
        for outcome in lost {
            let error = outcome.unwrap_err();
            assert!(matches!(error, BindError::InUse { .. }), "{error}");
        }
        assert!(
            serves(won[0].as_ref().unwrap(), &path),
            "the winner's path was stolen"
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

/// Starters come while owners go: whoever holds the path at the end must be reachable there.
#[test]
fn an_owner_that_leaves_never_removes_its_successors_path() {
    const ROUNDS: usize = 1_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let Ok(listener) = start(&path) else { continue };
                    let claimed = SocketPath::claim(&path).unwrap();
                    assert!(
                        serves(&listener, &path),
                        "the owner's path was removed or stolen"
                    );
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
