//! `Server`: the demo's server under observation, from its start to its end.
//!
//! Owns its processes and files, and that none of them outlives it. Refuses to load it.
//!
//! All generations are in one process group, have one pipe as their standard output, and come to
//! this process as their reaper when their parent ends. So the end of file on the pipe says that
//! all are ending, one signal reaches all, and none stays a zombie.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use rekindle_unix::{NOTIFY_VARIABLE, PidFile, Process};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal as GroupSignal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait,
};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::announcement::Announcement;
use crate::failure::Failure;
use crate::text::printable;

/// How long a process may take until it serves.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may take to end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of the server's log an error shows.
const LOG_LINES: usize = 5;

/// One process of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) pid: u32,
    pub(super) address: SocketAddr,
}

/// One upgrade that was committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upgrade {
    pub(super) old: Generation,
    pub(super) new: Generation,
    /// When the signal was sent.
    pub(super) begun: Instant,
    /// How long after that the new process said that it serves.
    pub(super) committed: Duration,
}

/// The demo's server. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Server {
    /// Pid file and log.
    directory: TempDir,
    announcements: Lines<BufReader<pipe::Receiver>>,
    /// `None` once all its processes are gone.
    group: Option<Pid>,
}

impl Server {
    /// Starts the server and waits until its first generation serves: on `listen`, or if that is
    /// taken on any other port of the same address.
    pub(super) async fn start(listen: SocketAddr) -> Result<(Self, Generation), Failure> {
        let mut server = Self::spawn(listen)?;
        if let Some(first) = server.begin().await? {
            return Ok((server, first));
        }
        server.end().await?;
        let mut server = Self::spawn(SocketAddr::new(listen.ip(), 0))?;
        match server.begin().await? {
            Some(first) => Ok((server, first)),
            None => Err(anyhow!("find a free port on {}", listen.ip()).into()),
        }
    }

    /// Replaces the process that the pid file names, by `SIGHUP`.
    pub(super) async fn upgrade(&mut self, old: Generation) -> Result<Upgrade, Failure> {
        let pid = PidFile::read(self.pid_file()).map_err(Failure::could_not_run)?;
        if pid != old.pid {
            return Err(anyhow!("find pid {} in the pid file, which names {pid}", old.pid).into());
        }
        let process = Process::open(pid).context("find the server")?;
        let begun = Instant::now();
        process.kill(Signal::Hup).context("send SIGHUP to the server")?;
        match self.next().await? {
            Announcement::Serving { pid, generation, address } => {
                let committed = begun.elapsed();
                let new = Generation { number: generation, pid, address };
                Ok(Upgrade { old, new, begun, committed })
            }
            Announcement::NotUpgraded { verdict } => {
                Err(anyhow!("upgrade the server: {verdict}{}", self.log()).into())
            }
            Announcement::AddressTaken => Err(self.out_of_turn().into()),
        }
    }

    /// Lets the server finish what it has and end, and kills it if it does not. All its processes
    /// and files are gone after that.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        // All of them: in the middle of an upgrade it is open which one stays.
        self.signal(GroupSignal::TERM);
        self.end().await
    }

    fn spawn(listen: SocketAddr) -> Result<Self, Failure> {
        set_child_subreaper(Some(getpid())).context("become the reaper of the server")?;
        let directory = tempfile::Builder::new().prefix("rekindle-demo-").tempdir();
        let directory = directory.context("make a temporary directory")?;
        let log = std::fs::File::create_new(directory.path().join("log"));
        let log = log.context("make a log file")?;
        let (reader, writer) = io::pipe().context("make a pipe")?;
        let announcements = pipe::Receiver::from_owned_fd(OwnedFd::from(reader));
        let announcements = announcements.context("read from a pipe")?;
        let program = std::env::current_exe().context("find this program")?;
        let child = Command::new(&program)
            .args(["demo-server", "--listen", &listen.to_string(), "--pid-file"])
            .arg(directory.path().join("pid"))
            // A service manager that waits for this command is not to hear from the server.
            .env_remove(NOTIFY_VARIABLE)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start `{}`", program.display()))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let announcements = BufReader::new(announcements).lines();
        Ok(Self { directory, announcements, group })
    }

    /// Waits until the first generation serves; `None` if the address is taken.
    async fn begin(&mut self) -> Result<Option<Generation>, Failure> {
        match self.next().await? {
            Announcement::Serving { pid, generation, address } => {
                Ok(Some(Generation { number: generation, pid, address }))
            }
            Announcement::AddressTaken => Ok(None),
            Announcement::NotUpgraded { .. } => Err(self.out_of_turn().into()),
        }
    }

    async fn next(&mut self) -> Result<Announcement, Failure> {
        let line = timeout(START_TIMEOUT, self.announcements.next_line()).await;
        let line = line.map_err(|_| {
            anyhow!("hear of a process that serves within {START_TIMEOUT:?}{}", self.log())
        })?;
        let line = line.context("hear of the server")?;
        let line = line.ok_or_else(|| anyhow!("keep the server: it has ended{}", self.log()))?;
        Ok(Announcement::from_line(&line).context("understand the server")?)
    }

    fn out_of_turn(&self) -> anyhow::Error {
        anyhow!("understand the server, which says something out of turn{}", self.log())
    }

    /// Waits for the end of all processes, and ends those that go on.
    async fn end(&mut self) -> Result<(), Failure> {
        let all_announced =
            async { while let Ok(Some(_)) = self.announcements.next_line().await {} };
        if timeout(STOP_TIMEOUT, all_announced).await.is_err() {
            self.signal(GroupSignal::KILL);
        }
        self.group = None;
        reap().context("wait for the end of the server")?;
        Ok(())
    }

    /// Signals all processes. They may all have ended by now, which is no error; the number of the
    /// group is theirs until the first process is reaped.
    fn signal(&self, signal: GroupSignal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.path().join("pid")
    }

    /// The last lines of the log, to be put behind an error.
    fn log(&self) -> String {
        let log = std::fs::read(self.directory.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
        shown.iter().map(|line| format!("\n  log: {}", printable(line))).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.group.is_some() {
            self.signal(GroupSignal::KILL);
            // There is nobody left to tell.
            let _ = reap();
        }
    }
}

/// Waits until this process has no child any more. All of them are ending.
fn reap() -> rustix::io::Result<()> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
