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
        let answer = answer.to_owned();
        Self::serving(move |listener| {
            while let Ok((mut stream, _)) = listener.accept() {
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
