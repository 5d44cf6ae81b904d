//! Somebody at a control socket who is no service of ours.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use tempfile::TempDir;

/// Listens until the test ends.
pub(crate) struct FakeService {
    _directory: TempDir,
    path: String,
}

impl FakeService {
    /// Reads each request to its end, says this, and closes.
    pub(crate) fn saying(answer: &str) -> Self {
        Self::saying_in_turn(&[answer])
    }

    /// Says one thing after the other, to one request each, and the last one from then on.
    pub(crate) fn saying_in_turn(answers: &[&str]) -> Self {
        let answers: Vec<_> = answers.iter().map(|&answer| answer.to_owned()).collect();
        Self::serving(move |listener| {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().unwrap();
                let answer = answers.get(turn).or(answers.last()).unwrap();
                stream.read_to_end(&mut Vec::new()).unwrap();
                // Whoever asked may not want to hear it all.
                let _ = stream.write_all(answer.as_bytes());
            }
        })
    }

    /// Accepts, and never answers.
    pub(crate) fn silent() -> Self {
        Self::serving(|listener| {
            let mut held = Vec::new();
            while let Ok(connection) = listener.accept() {
                held.push(connection);
            }
        })
    }

    fn serving(serve: impl FnOnce(UnixListener) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control").to_str().unwrap().to_owned();
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || serve(listener));
        Self { _directory: directory, path }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}
