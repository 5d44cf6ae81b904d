//! The client of the HTTP benches, as a program of its own, and what it finds.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::cores::Core;
use super::lines::Lines;

/// How much longer than its work a client may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// On which connection each request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Kept,
    New,
}

/// What as many requests as are answered came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Saturated {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) took_ns: u64,
}

/// What so many requests a second came to: how long they took, from when they were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Paced {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) p999_ns: u64,
    pub(crate) most_ns: u64,
}

/// What one request on each kept connection came to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Answers {
    pub(crate) answers: Vec<AnswersOf>,
    pub(crate) failed: u64,
}

/// How many a process answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct AnswersOf {
    pub(crate) pid: u32,
    pub(crate) count: u64,
}

/// A client at work. It is ended when dropped.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    lines: Lines,
    work: Duration,
}

/// Where the client is, where it runs, and whom it asks, on how many connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clients<'a> {
    pub(crate) program: &'a Path,
    pub(crate) core: Core,
    pub(crate) connections: usize,
}

impl Clients<'_> {
    /// Asks for so long, as often as it is answered.
    pub(crate) fn saturate(
        self,
        mode: Mode,
        address: SocketAddr,
        duration: Duration,
    ) -> Result<Saturated> {
        let mode = match mode {
            Mode::Kept => "keep",
            Mode::New => "new",
        };
        self.start(mode, address, &[duration.as_millis()], duration)?.found()
    }

    /// Begins to ask for so long, so often a second. What it [finds](Client::found) is [`Paced`].
    pub(crate) fn pace(self, address: SocketAddr, duration: Duration, rate: u64) -> Result<Client> {
        self.start("paced", address, &[duration.as_millis(), rate.into()], duration)
    }

    /// Opens connections, and asks on each of them once. What it [finds](Client::found) is
    /// [`Answers`], and again each time that it is [told](Client::tell) to.
    pub(crate) fn idle(self, address: SocketAddr) -> Result<Client> {
        self.start("idle", address, &[], Duration::ZERO)
    }

    fn start(
        self,
        what: &str,
        address: SocketAddr,
        numbers: &[u128],
        work: Duration,
    ) -> Result<Client> {
        let mut command = Command::new(self.program);
        command.arg(what).arg(address.to_string()).arg(self.connections.to_string());
        command.args(numbers.iter().map(u128::to_string));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = self.core.spawn(&mut command)?;
        let output = child.stdout.take().context("hear from the client")?;
        let input = child.stdin.take().context("speak to the client")?;
        Ok(Client { child, input, lines: Lines::new("client", output), work })
    }
}

impl Client {
    /// Waits for what it finds.
    pub(crate) fn found<T: DeserializeOwned>(&mut self) -> Result<T> {
        let line = self.lines.next(Instant::now() + self.work + PATIENCE)?;
        serde_json::from_str(&line)
            .with_context(|| format!("understand `{line}`, which the client says"))
    }

    /// Tells it to ask again.
    pub(crate) fn tell(&mut self) -> Result<()> {
        self.input.write_all(b"\n").context("tell the client to ask")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // If it has ended there is nothing to end.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Saturated {
    /// Requests a second.
    pub(crate) fn rate(&self) -> Result<u64> {
        let per_second = u128::from(self.requests) * 1_000_000_000;
        let rate = per_second.checked_div(self.took_ns.into()).context("measure a rate")?;
        Ok(u64::try_from(rate)?)
    }
}

impl Answers {
    /// How many were not answered by this process.
    pub(crate) fn not_by(&self, pid: u32) -> u64 {
        let others = self.answers.iter().filter(|of| of.pid != pid);
        self.failed + others.map(|of| of.count).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_programs;
    use super::super::server::{Server, Way};
    use super::*;

    /// A server, and what a client of it finds.
    fn with_server<T>(connections: usize, test: impl FnOnce(Server, Clients<'_>) -> T) -> T {
        let programs = built_programs();
        let server = programs.join("bench_http_server");
        let server = Server::start_http(&server, Way::Axum, Core::Any).unwrap();
        let program = &programs.join("bench_client");
        test(server, Clients { program, core: Core::Any, connections })
    }

    #[test]
    fn requests_are_counted_on_kept_and_on_new_connections() {
        with_server(3, |server, clients| {
            for mode in [Mode::Kept, Mode::New] {
                let duration = Duration::from_millis(50);
                let found = clients.saturate(mode, server.address().unwrap(), duration).unwrap();
                assert_eq!(found.failed, 0, "{mode:?}");
                assert!(found.requests > 3 && found.rate().unwrap() > 60, "{found:?}");
                assert!(found.took_ns >= 50_000_000, "{found:?}");
            }
        });
    }

    #[test]
    fn a_pace_is_kept() {
        with_server(3, |server, clients| {
            let duration = Duration::from_millis(200);
            let mut client = clients.pace(server.address().unwrap(), duration, 500).unwrap();
            let found: Paced = client.found().unwrap();
            assert_eq!((found.requests, found.failed), (100, 0));
            assert!(0 < found.p50_ns && found.p50_ns <= found.p99_ns, "{found:?}");
            assert!(found.p99_ns <= found.p999_ns && found.p999_ns <= found.most_ns, "{found:?}");
        });
    }

    #[test]
    fn kept_connections_are_asked_again_and_lost_ones_are_counted() {
        with_server(100, |server, clients| {
            let mut client = clients.idle(server.address().unwrap()).unwrap();
            let pid = server.newest().unwrap().pid();
            for _ in 0..2 {
                let found: Answers = client.found().unwrap();
                assert_eq!(found.answers, [AnswersOf { pid, count: 100 }]);
                assert_eq!((found.not_by(pid), found.not_by(pid + 1)), (0, 100));
                client.tell().unwrap();
            }
            let _third: Answers = client.found().unwrap();
            drop(server);
            client.tell().unwrap();
            assert_eq!(client.found::<Answers>().unwrap().failed, 100);
        });
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error() {
        with_server(1, |server, clients| {
            let address = server.address().unwrap();
            drop(server);
            let error = clients.idle(address).unwrap().found::<Answers>().unwrap_err();
            assert_eq!(error.to_string(), "hear from the client: it is gone");
        });
    }
}
