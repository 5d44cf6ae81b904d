//! A real service: the demo's server, started through a symbolic link that can be switched.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BINARY, pid, rekindle};

/// A running service. Dropped, all of its processes are killed.
pub(crate) struct Server {
    directory: TempDir,
    child: Child,
    announcements: BufReader<ChildStdout>,
    /// Of the first generation.
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    pub(crate) control: String,
    pub(crate) pid_file: String,
}

impl Server {
    /// A service with a probation that no test waits for.
    pub(crate) fn start() -> Self {
        Self::with_probation("10min")
    }

    pub(crate) fn with_probation(probation: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("program");
        symlink(BINARY, &program).unwrap();
        let text = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (control, pid_file) = (text("control"), text("pid"));
        let mut child = Command::new(program)
            .args(["demo-server", "--listen", "127.0.0.1:0"])
            .args(["--pid-file", &pid_file, "--control", &control, "--probation", probation])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(directory.path().join("log")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let announcements = BufReader::new(child.stdout.take().unwrap());
        let (pid, address) = (child.id(), ([127, 0, 0, 1], 0).into());
        let mut server = Self { directory, child, announcements, pid, address, control, pid_file };
        let serving = server.next_announcement();
        assert_eq!((&serving["event"], &serving["generation"]), (&"serving".into(), &1.into()));
        server.address = serving["address"].as_str().unwrap().parse().unwrap();
        server
    }

    /// What one of the processes says next.
    pub(crate) fn next_announcement(&mut self) -> Value {
        let mut line = String::new();
        self.announcements.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("`{line}`; {}", self.log()))
    }

    /// Lets the next upgrade start `path`.
    pub(crate) fn switch_to(&self, path: impl AsRef<Path>) {
        let next = self.path("next");
        symlink(path, &next).unwrap();
        std::fs::rename(next, self.path("program")).unwrap();
    }

    /// Lets the next upgrade start a program that does nothing and does not end.
    pub(crate) fn switch_to_one_that_hangs(&self) {
        let script = self.path("hang");
        std::fs::write(&script, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        self.switch_to(script);
    }

    /// Lets the next upgrade start the program that runs.
    pub(crate) fn switch_back(&self) {
        self.switch_to(BINARY);
    }

    /// A connection with a request under way, whose body the service reads: idle ones move, or are
    /// closed by a stop.
    pub(crate) fn busy_connection(&self) -> TcpStream {
        const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\
            expect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; GO_ON.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, GO_ON.as_bytes());
        stream
    }

    pub(crate) fn status(&self) -> Value {
        rekindle(&["status", "--control", &self.control, "--json"]).expect(0).object()
    }

    /// The pid of the process that answers on the control socket.
    pub(crate) fn serving_pid(&self) -> u32 {
        pid(&self.status(), "pid")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody has waited for the first process, so the number is still its group's.
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}
