//! A server under measurement, with all the generations that come of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use super::ask::ask;
use super::clock::now_ns;
use super::cores::Core;
use super::lines::Lines;
use super::moment::{Moment, Word};
use super::process::Process;
use super::timeline::Timeline;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. It is ended when dropped, with all its generations.
#[derive(Debug)]
pub(crate) struct Server {
    first: Child,
    lines: Lines,
    /// All generations that may still be there, the newest last.
    generations: Vec<Process>,
    addresses: Vec<SocketAddr>,
    /// Where its pid file and its control socket are.
    directory: TempDir,
}

/// How the application of the HTTP benches is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By rekindle.
    Rekindle,
    /// By `axum::serve`.
    Axum,
    /// By hyper alone.
    Hyper,
}

impl Way {
    /// How it is asked for.
    const fn word(self) -> &'static str {
        match self {
            Self::Rekindle => "rekindle",
            Self::Axum => "axum",
            Self::Hyper => "hyper",
        }
    }

    /// What a table calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rekindle => "rekindle",
            Self::Axum => "axum::serve",
            Self::Hyper => "hyper",
        }
    }
}

impl Server {
    /// Starts the plain server cold and waits for its first answer.
    pub(crate) fn start(program: &Path, listeners: usize) -> Result<(Self, Timeline)> {
        Self::launch(program, &listeners.to_string(), listeners, Core::Any)
    }

    /// Starts the server of the HTTP benches, and waits for its first answer.
    pub(crate) fn start_http(program: &Path, way: Way, core: Core) -> Result<Self> {
        Ok(Self::launch(program, way.word(), 1, core)?.0)
    }

    fn launch(
        program: &Path,
        what: &str,
        listeners: usize,
        core: Core,
    ) -> Result<(Self, Timeline)> {
        let directory = tempfile::tempdir().context("make a directory for a server")?;
        let mut command = Command::new(program);
        command.arg(directory.path()).arg(what);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let begun_ns = now_ns();
        let mut first = core.spawn(&mut command)?;
        let output = first.stdout.take().context("hear from the server")?;
        let mut server = Self {
            generations: vec![Process::open(first.id())?],
            first,
            lines: Lines::new("server", output),
            addresses: Vec::new(),
            directory,
        };
        let timeline = server.follow(begun_ns)?;
        ensure!(server.addresses.len() == listeners, "find all {listeners} listeners");
        Ok((server, timeline))
    }

    /// Upgrades it by `SIGHUP`, and waits until the new process has answered on every listener.
    ///
    /// # Errors
    ///
    /// If anything fails, above all if an old process answers after the new one did.
    pub(crate) fn upgrade(&mut self) -> Result<Timeline> {
        let addresses = std::mem::take(&mut self.addresses);
        let begun_ns = now_ns();
        self.newest()?.send(Signal::HUP)?;
        let timeline = self.follow(begun_ns)?;
        ensure!(self.addresses == addresses, "keep the listeners over an upgrade");
        let pid = self.newest()?.pid();
        for &address in &addresses {
            let answered = ask(address)?;
            ensure!(answered == pid, "upgrade: process {answered} answers after process {pid} did");
        }
        Ok(timeline)
    }

    /// Where it listens; the first one, if there are more.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.addresses.first().copied().context("learn what the server listens on")
    }

    /// Its control socket.
    pub(crate) fn control(&self) -> PathBuf {
        self.directory.path().join("control")
    }

    /// The newest generation.
    pub(crate) fn newest(&self) -> Result<&Process> {
        self.generations.last().context("find the newest process")
    }

    /// Waits until the newest is alone: all that it replaced have gone.
    pub(crate) fn await_alone(&mut self) -> Result<()> {
        let elders = self.generations.len().saturating_sub(1);
        for elder in self.generations.drain(..elders) {
            let gone = elder.wait(Instant::now() + PATIENCE)?;
            ensure!(gone, "see process {} go, which was replaced", elder.pid());
        }
        Ok(())
    }

    /// Stops it as an operator would, and waits until it is gone with all its generations.
    pub(crate) fn stop(self) -> Result<()> {
        self.newest()?.send(Signal::TERM)?;
        for generation in self.generations.iter().rev() {
            let gone = generation.wait(Instant::now() + PATIENCE)?;
            ensure!(gone, "stop process {}", generation.pid());
        }
        Ok(())
    }

    /// Takes down what the server says until it serves, and asks it then.
    fn follow(&mut self, begun_ns: u64) -> Result<Timeline> {
        let deadline = Instant::now() + PATIENCE;
        let mut timeline = Timeline::default();
        timeline.note(Moment::Begun, begun_ns);
        loop {
            let word = Word::parse(&self.lines.next(deadline)?)?;
            timeline.note(word.moment, word.at_ns);
            if word.moment == Moment::Main && word.pid != self.newest()?.pid() {
                self.generations.push(Process::open(word.pid)?);
            }
            if word.moment == Moment::Serving {
                self.addresses = word.addresses;
                break;
            }
        }
        let pid = self.newest()?.pid();
        let answered = ask(self.address()?)?;
        timeline.note(Moment::Answered, now_ns());
        ensure!(answered == pid, "upgrade: process {answered} answers, and {pid} says it serves");
        Ok(timeline)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for generation in self.generations.iter().rev() {
            generation.kill();
        }
        // The first is our child: without this it would stay as a zombie.
        let _reaped = self.first.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_server;
    use super::super::timeline::PARTS;
    use super::*;

    #[test]
    fn a_start_and_an_upgrade_are_followed_to_the_answer() {
        let (mut server, start) = Server::start(&built_server(), 3).unwrap();
        assert!(start.total_ns().unwrap() > 0);
        assert_eq!(start.part_ns(&PARTS[0]), None);
        let first = server.newest().unwrap().pid();
        let upgrade = server.upgrade().unwrap();
        assert_ne!(server.newest().unwrap().pid(), first);
        let parts: u64 = PARTS.iter().map(|part| upgrade.part_ns(part).unwrap()).sum();
        assert_eq!(Some(parts), upgrade.total_ns());
        server.stop().unwrap();
    }

    #[test]
    fn elders_go_and_the_newest_stays() {
        let (mut server, _) = Server::start(&built_server(), 1).unwrap();
        for _ in 0..3 {
            server.upgrade().unwrap();
        }
        server.await_alone().unwrap();
        assert_eq!(server.generations.len(), 1);
        assert!(!server.newest().unwrap().wait(Instant::now()).unwrap());
        server.stop().unwrap();
    }

    #[test]
    fn nothing_is_left_of_a_dropped_server() {
        let (mut server, _) = Server::start(&built_server(), 1).unwrap();
        server.upgrade().unwrap();
        let address = server.addresses[0];
        let processes = std::mem::take(&mut server.generations);
        let held = processes.iter().map(|it| Process::open(it.pid()).unwrap()).collect();
        server.generations = held;
        drop(server);
        let deadline = Instant::now() + PATIENCE;
        assert!(processes.iter().all(|process| process.wait(deadline).unwrap()));
        assert!(ask(address).is_err());
    }

    #[test]
    fn what_is_no_such_server_is_an_error() {
        assert!(Server::start(Path::new("/nonexistent/server"), 1).is_err());
        let error = Server::start(Path::new("true"), 1).unwrap_err().to_string();
        assert!(error.contains("gone"), "{error}");
        let error = Server::start(Path::new("echo"), 1).unwrap_err().to_string();
        assert!(error.starts_with("understand"), "{error}");
    }
}
