//! A restart by a command of the shell. Owns the process, its time limit and the end of its output;
//! refuses to know what it does.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::tail::Tail;
use super::{Asking, Restart, RestartError};

const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// How long the output of a command that has failed is still waited for. All that it wrote itself
/// is in the pipe by then; what it left in the background may hold that open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(100);

/// A command for `sh -c`, in which `$1` is the number of the restart, from 1.
///
/// It has no input, and a process group of its own, so that a Ctrl-C in the terminal does not
/// reach it. If nobody waits for it any more, since the trial was stopped, what is left of that
/// group is killed. Its output is read and only shown if it fails. What it leaves in the
/// background keeps that pipe, which is read for as long as the tokio runtime lives: a server
/// which is started like that should write its log elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    line: String,
    limit: Duration,
}

impl Command {
    /// This command, for at most 60 s.
    #[must_use]
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), limit: DEFAULT_LIMIT }
    }

    /// How long it may take. After that it is killed, with all that is left of its process group.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn run(&self, number: u32) -> Result<(), RestartError> {
        let tail = Tail::default();
        let (child, reading) = self.spawn(number, &tail).map_err(|source| self.not_run(source))?;
        let mut group = Group(child);
        let ended = timeout(self.limit, group.0.wait()).await;
        if ended.is_err() {
            group.kill().map_err(|source| self.not_run(source))?;
            group.0.wait().await.map_err(|source| self.not_run(source))?;
        }
        let status = ended.ok().transpose().map_err(|source| self.not_run(source))?;
        // If somebody still holds the pipe, the reading goes on: nobody is to meet a closed pipe.
        // What was done is done when the command ends, whoever that is.
        if !status.is_some_and(|status| status.success()) {
            let _ = timeout(OUTPUT_GRACE, reading).await;
        }
        self.judge(status, tail.lines())
    }

    /// Starts it, and a task that reads what it says.
    fn spawn(&self, number: u32, tail: &Tail) -> io::Result<(Child, JoinHandle<()>)> {
        let (reader, writer) = io::pipe()?;
        let reader = pipe::Receiver::from_owned_fd(reader.into())?;
        let mut command = tokio::process::Command::new("/bin/sh");
        command.arg("-c").arg(&self.line).arg("sh").arg(number.to_string());
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
        let child = command.spawn()?;
        // With `command` go our own ends for writing, so that the end of file can come.
        drop(command);
        Ok((child, tokio::spawn(read(reader, tail.clone()))))
    }

    fn judge(&self, status: Option<ExitStatus>, output: String) -> Result<(), RestartError> {
        let command = self.line.clone();
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(RestartError::Failed { command, status, output }),
            None => Err(RestartError::TooLong { command, limit: self.limit, output }),
        }
    }

    fn not_run(&self, source: io::Error) -> RestartError {
        RestartError::Start { command: self.line.clone(), source }
    }
}

impl Restart for Command {
    fn restart(&self, number: u32) -> Asking<'_> {
        Box::pin(self.run(number))
    }
}

/// A command and what belongs to it: nothing of it outlives whoever waits for it.
struct Group(Child);

impl Group {
    /// Kills the whole process group. Its leader is not waited for before, so that the number of
    /// the group cannot have gone to another.
    fn kill(&self) -> io::Result<()> {
        let leader = self.0.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        leader.map_or(Ok(()), |leader| Ok(kill_process_group(leader, Signal::KILL)?))
    }
}

impl Drop for Group {
    /// Once its leader has been waited for this does nothing: what it left in the background is a
    /// server, as a rule.
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.kill();
    }
}

/// Reads until the end of file, so that nobody waits for room in the pipe.
async fn read(mut reader: pipe::Receiver, tail: Tail) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut bytes).await {
        tail.add(&bytes[..count]);
    }
}
