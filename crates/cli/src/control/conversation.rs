//! `Conversation`: one request and its replies, with one deadline for all of them.
//!
//! Owns what it means for the exit status that no answer comes. Refuses to interpret answers, but
//! for the two that every request can get: refused, and not understood.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rekindle::control::{Client, ClientError, Reply, Request};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::printable;

/// Who can be asked, and until when.
#[derive(Debug)]
pub(super) struct Caller {
    path: PathBuf,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl Caller {
    /// The time runs from here.
    pub(super) fn new(path: PathBuf, timeout: Option<Duration>) -> Self {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { path, timeout, deadline }
    }

    /// Sends a request. Connecting and reading block, so a thread does them: the deadline then
    /// holds whatever the other side does, and the end of this process ends that thread.
    pub(super) fn ask(&self, request: Request) -> Result<Conversation<'_>, Failure> {
        let (sender, replies) = channel();
        let path = self.path.clone();
        let talk = move || talk(path, &request, &sender);
        let thread = thread::Builder::new().name("conversation".into());
        thread.spawn(talk).context("start a thread")?;
        Ok(Conversation { caller: self, replies })
    }

    /// How much of the time is left; `None` is for ever.
    pub(super) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The time was over.
    pub(super) fn timed_out(&self) -> Failure {
        let (path, timeout) = (self.path.display(), self.timeout.unwrap_or_default());
        let error = anyhow!("hear the whole answer of `{path}` within {timeout:?}");
        Failure::new(ExitStatus::TimedOut, error)
    }

    /// The service said something that is no answer to what was asked.
    pub(super) fn not_understood(&self, reply: &Reply) -> Failure {
        let (path, line) = (self.path.display(), reply.to_line());
        let error = anyhow!("understand the service at `{path}`, which answered {line}");
        Failure::new(ExitStatus::Lost, error)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    caller: &'a Caller,
    replies: Receiver<Result<Reply, ClientError>>,
}

impl Conversation<'_> {
    /// The next reply, shown as the protocol has it if a program reads.
    pub(super) fn next(&self, output: Output) -> Result<Reply, Failure> {
        let received = match self.caller.left() {
            Some(left) => self.replies.recv_timeout(left),
            None => self.replies.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let reply = match received {
            Ok(reply) => reply.map_err(explain)?,
            Err(RecvTimeoutError::Timeout) => return Err(self.caller.timed_out()),
            Err(RecvTimeoutError::Disconnected) => {
                let error = anyhow!("hear more of `{}`", self.caller.path.display());
                return Err(Failure::new(ExitStatus::Lost, error));
            }
        };
        output.line(&reply.to_line())?;
        match reply {
            Reply::Refused { reason, message } => {
                let (reason, message) = (printable(&reason), printable(&message));
                let error = anyhow!("have it done: the service refuses ({reason}): {message}");
                Err(Failure::new(ExitStatus::Refused, error))
            }
            Reply::Error { message } => {
                let message = printable(&message);
                Err(Failure::could_not_run(anyhow!("be understood by the service: {message}")))
            }
            reply => Ok(reply),
        }
    }
}

fn talk(path: PathBuf, request: &Request, sender: &Sender<Result<Reply, ClientError>>) {
    let replies = match Client::connect(path).and_then(|client| client.send(request)) {
        Ok(replies) => replies,
        Err(error) => {
            // Whoever asked may have given up by now.
            let _ = sender.send(Err(error));
            return;
        }
    };
    for reply in replies {
        if sender.send(reply).is_err() {
            return;
        }
    }
}

fn explain(error: ClientError) -> Failure {
    use std::io::ErrorKind;
    let status = match &error {
        ClientError::Connect { source, .. } => match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => ExitStatus::NotRunning,
            ErrorKind::PermissionDenied => ExitStatus::Refused,
            _ => ExitStatus::CouldNotRun,
        },
        _ => ExitStatus::Lost,
    };
    Failure::new(status, error)
}
