//! The program under test, in a directory and a process group of its own. Ends the group.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use rekindle_e2e::eventually;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    directory: TempDir,
    first: Child,
}

impl Program {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let first = command(&directory.path().into()).process_group(0).spawn().unwrap();
        Self { directory, first }
    }

    pub(crate) fn first_pid(&self) -> u32 {
        self.first.id()
    }

    /// All lines that it has written, of all its processes: pid and text.
    pub(crate) fn lines(&self) -> Vec<(u32, String)> {
        let log = std::fs::read_to_string(self.directory.path().join("parts.log"));
        let log = log.unwrap_or_default();
        let lines = log.lines().map(|line| line.split_once(' ').unwrap());
        lines.map(|(pid, text)| (pid.parse().unwrap(), text.to_owned())).collect()
    }

    /// Waits for a line that holds `text`, and returns it with its pid.
    pub(crate) fn line(&self, text: &str) -> (u32, String) {
        eventually(text, || self.lines().into_iter().find(|(_, line)| line.contains(text)))
    }

    /// Sends `word` to the listener `command` and returns the answer.
    pub(crate) fn ask(&self, word: &str) -> String {
        let (_, line) = self.line("serving");
        exchange(line.split(' ').nth(1).unwrap().parse().unwrap(), word)
    }

    pub(crate) fn signal(pid: u32, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = i32::try_from(self.first.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.first.wait();
    }
}

/// One question and one answer over a connection of its own.
pub(crate) fn exchange(at: SocketAddr, word: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(word.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn command(directory: &PathBuf) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parts"));
    command.current_dir(directory).env("PWD", directory);
    command
}
