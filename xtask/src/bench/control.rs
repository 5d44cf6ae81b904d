//! The control socket of a server, as docs/control.md describes it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

const PATIENCE: Duration = Duration::from_secs(10);

/// What we want to know of a status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Status {
    pub(crate) pid: u32,
    /// How many connections older generations have moved here.
    pub(crate) moved_in: u64,
}

/// Asks whoever serves there for its status.
pub(crate) fn status(socket: &Path) -> Result<Status> {
    let line = exchange(socket, r#"{"v":1,"request":"status"}"#)
        .with_context(|| format!("ask at `{}` for a status", socket.display()))?;
    serde_json::from_str(&line).with_context(|| format!("understand the status `{line}`"))
}

fn exchange(socket: &Path, request: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{request}")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// Asks a server that answers one operator like this.
    fn answer_with(answer: &'static str) -> Result<Status> {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("control");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            assert_eq!(request, "{\"v\":1,\"request\":\"status\"}\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
        });
        let status = status(&socket);
        server.join().unwrap();
        status
    }

    #[test]
    fn a_status_is_asked_for_and_understood() {
        let line = "{\"v\":1,\"event\":\"status\",\"pid\":17,\"moved_in\":9,\"more\":[]}\n";
        assert_eq!(answer_with(line).unwrap(), Status { pid: 17, moved_in: 9 });
    }

    #[test]
    fn anything_else_is_an_error_that_has_it() {
        for line in ["", "{\"v\":1,\"event\":\"refused\"}\n"] {
            let error = answer_with(line).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
        let error = status(Path::new("/nonexistent/control")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/control"), "{error}");
    }
}
