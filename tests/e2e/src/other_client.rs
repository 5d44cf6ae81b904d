//! Load by a program that is not ours, so that our own idea of a client is not the only one. Owns
//! the process; refuses to do without it.

use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};

use rekindle_unix::{Process, Signal};

/// A client program at work.
#[derive(Debug)]
#[must_use = "what it found is told when it ends"]
pub struct OtherClient {
    child: Child,
}

impl OtherClient {
    /// Starts `program`, which comes with Debian's package `package`.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn start(program: &str, package: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Self { child },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("this test needs `{program}`: install it by `apt-get install {package}`")
            }
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// Whether it is still at work.
    #[must_use]
    pub fn is_at_work(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Tells it, as a terminal does, that it is enough.
    pub fn interrupt(&self) {
        Process::open(self.child.id()).and_then(|process| process.kill(Signal::Int)).unwrap();
    }

    /// Waits for its end, and returns what it said.
    ///
    /// # Panics
    ///
    /// If it says that it failed.
    #[must_use]
    pub fn findings(self) -> String {
        let output = self.child.wait_with_output().unwrap();
        let (stdout, stderr) = (&output.stdout, &output.stderr);
        let said = [String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr)].concat();
        assert!(output.status.success(), "{}: {said}", output.status);
        said
    }
}
