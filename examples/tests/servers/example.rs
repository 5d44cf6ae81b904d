//! An example that runs: all its generations, and their end when the test ends.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use rustix::process::{
    Signal, WaitId, WaitIdOptions, kill_process_group, set_child_subreaper, waitid,
};
use tempfile::TempDir;

use crate::process::{DEADLINE, Process, id};

/// An example that runs, with a directory, a pid file and a control socket of its own.
#[derive(Debug)]
pub(crate) struct Example {
    directory: TempDir,
    child: Child,
    announcements: Receiver<Announcement>,
    /// How many addresses each generation announces.
    listeners: usize,
    generations: Vec<Process>,
    log: Arc<Mutex<String>>,
}

/// A line `listening on ADDRESS (pid N generation G)`.
#[derive(Debug)]
struct Announcement {
    address: String,
    pid: u32,
    generation: u64,
}

impl Example {
    /// Starts an HTTP example on a port of its own.
    pub(crate) fn http(program: &str, arguments: &[&str]) -> Self {
        let listen = ["--listen", "127.0.0.1:0"];
        Self::start(program, TempDir::new().unwrap(), &[&listen, arguments].concat(), 1)
    }

    /// Starts an example that announces so many listeners.
    pub(crate) fn start(
        program: &str,
        directory: TempDir,
        arguments: &[&str],
        listeners: usize,
    ) -> Self {
        // Generations whose parents have left become children of this process, so that it can
        // see how they end, and no pid goes to another before it has.
        set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--pid-file", "pid", "--control", "control"])
            .current_dir(directory.path())
            .env("RUST_LOG", "debug,h2=info,tungstenite=info")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // All generations are in this group: at the end they are killed together.
            .process_group(0)
            .spawn()
            .unwrap();
        let (sender, announcements) = channel();
        let stdout = child.stdout.take().unwrap();
        thread::spawn(move || announce(stdout, &sender));
        let log = Arc::default();
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        thread::spawn(move || keep(stderr, &kept));
        let generations = Vec::new();
        let mut example = Self { directory, child, announcements, listeners, generations, log };
        example.await_next();
        example
    }

    /// The generation that was announced last.
    pub(crate) fn newest(&self) -> &Process {
        self.generations.last().expect("the first is awaited at the start")
    }

    /// A generation, from 1 on.
    pub(crate) fn generation(&self, number: u64) -> &Process {
        self.generations.iter().find(|one| one.generation == number).unwrap()
    }

    /// Where the newest generation listens, if that is on TCP alone.
    pub(crate) fn address(&self) -> SocketAddr {
        self.newest().addresses[0].parse().unwrap()
    }

    /// Upgrades by signal, and waits until the next generation serves.
    pub(crate) fn upgrade(&mut self) {
        self.newest().signal(Signal::HUP);
        self.await_next();
    }

    /// Waits until the next generation has announced all its listeners.
    pub(crate) fn await_next(&mut self) {
        for listener in 0..self.listeners {
            let Ok(announced) = self.announcements.recv_timeout(DEADLINE) else {
                panic!("no generation after {:?}", self.generations.last());
            };
            if listener == 0 {
                self.generations.push(Process::new(announced.pid, announced.generation));
            }
            let newest = self.generations.last_mut().unwrap();
            assert_eq!((newest.pid, newest.generation), (announced.pid, announced.generation));
            newest.addresses.push(announced.address);
        }
    }

    /// A path in the example's directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What the pid file says; none if there is none.
    pub(crate) fn pid_file(&self) -> Option<u32> {
        let content = fs::read_to_string(self.path("pid")).ok()?;
        Some(content.trim_end().parse().expect("a pid file is never half-written"))
    }
}

/// Waits until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::yield_now();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let group = id(self.child.id());
        // The first process has not been reaped, so the group is still theirs.
        let _ = kill_process_group(group, Signal::KILL);
        while let Ok(Some(_)) = waitid(WaitId::Pgid(Some(group)), WaitIdOptions::EXITED) {}
        if thread::panicking() {
            eprintln!("{}", self.log.lock().unwrap());
        }
    }
}

fn announce(stdout: ChildStdout, to: &Sender<Announcement>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let announcement = Announcement::parse(&line).unwrap_or_else(|| panic!("printed: {line}"));
        if to.send(announcement).is_err() {
            return;
        }
    }
}

fn keep(mut stderr: ChildStderr, log: &Mutex<String>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        *log.lock().unwrap() += &String::from_utf8_lossy(&buffer[..count]);
    }
}

impl Announcement {
    fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("listening on ")?;
        let (address, who) = rest.strip_suffix(')')?.split_once(" (pid ")?;
        let (pid, generation) = who.split_once(" generation ")?;
        let (pid, generation) = (pid.parse().ok()?, generation.parse().ok()?);
        Some(Self { address: address.to_owned(), pid, generation })
    }
}
