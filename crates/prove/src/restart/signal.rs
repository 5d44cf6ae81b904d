//! A restart by a signal. Owns the names of signals and the reading of pid files; refuses to
//! guess a process.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::process::{Pid, Signal as Number, kill_process, test_kill_process};

use super::{Asking, Restart, RestartError};

/// How much of a pid file is read: more than a pid and a line's end needs.
const READ_BYTES: u64 = 256;

const NAMES: [(&str, Number); 14] = [
    ("SIGHUP", Number::HUP),
    ("SIGINT", Number::INT),
    ("SIGQUIT", Number::QUIT),
    ("SIGABRT", Number::ABORT),
    ("SIGKILL", Number::KILL),
    ("SIGUSR1", Number::USR1),
    ("SIGUSR2", Number::USR2),
    ("SIGALRM", Number::ALARM),
    ("SIGTERM", Number::TERM),
    ("SIGCONT", Number::CONT),
    ("SIGSTOP", Number::STOP),
    ("SIGURG", Number::URG),
    ("SIGWINCH", Number::WINCH),
    ("SIGIO", Number::IO),
];

/// A signal to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    name: SignalName,
    to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Pid(u32),
    PidFile(PathBuf),
}

impl Signal {
    /// To the process with this pid, each time.
    #[must_use]
    pub fn to_pid(name: SignalName, pid: u32) -> Self {
        Self { name, to: To::Pid(pid) }
    }

    /// To the process whose pid stands in the first line of this file, which is read each time
    /// anew.
    #[must_use]
    pub fn to_pid_file(name: SignalName, path: impl Into<PathBuf>) -> Self {
        Self { name, to: To::PidFile(path.into()) }
    }

    /// Looks whether it could be sent now: whether there is such a process, and it may be
    /// signalled.
    ///
    /// # Errors
    /// If not, or if the pid file names none.
    pub fn check(&self) -> Result<(), RestartError> {
        self.ask(test_kill_process)
    }

    fn send(&self) -> Result<(), RestartError> {
        self.ask(|process| kill_process(process, self.name.0))
    }

    fn ask(&self, kill: impl FnOnce(Pid) -> rustix::io::Result<()>) -> Result<(), RestartError> {
        let pid = match &self.to {
            To::Pid(pid) => *pid,
            To::PidFile(path) => read(path)?,
        };
        // 0 would be our own process group.
        let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
        process
            .ok_or(rustix::io::Errno::SRCH)
            .and_then(kill)
            .map_err(|errno| RestartError::Signal { signal: self.name, pid, source: errno.into() })
    }
}

impl Restart for Signal {
    fn restart(&self, _: u32) -> Asking<'_> {
        let signal = self.clone();
        // A pid file can lie on a disk that takes its time, in which clients must not stand still.
        let sending = tokio::task::spawn_blocking(move || signal.send());
        Box::pin(async move {
            sending
                .await
                .map_err(|error| RestartError::other(format!("send the signal: {error}")))?
        })
    }
}

/// The pid in the first line of a file.
fn read(path: &Path) -> Result<u32, RestartError> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(READ_BYTES).read_to_end(&mut bytes));
    read.map_err(|source| RestartError::PidFile { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    match line.parse::<i32>() {
        Ok(pid @ 1..) => Ok(pid.unsigned_abs()),
        _ => Err(RestartError::NoPid { path: path.to_owned(), line: line.to_owned() }),
    }
}

/// A signal by its name or number: `HUP`, `SIGHUP`, `hup` and `1` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalName(Number);

impl FromStr for SignalName {
    type Err = SignalNameError;

    fn from_str(text: &str) -> Result<Self, SignalNameError> {
        let number = match text.parse::<i32>() {
            Ok(number) => Number::from_named_raw(number),
            Err(_) => NAMES.into_iter().find_map(|(name, number)| {
                let short = name.trim_start_matches("SIG");
                let is_it = text.eq_ignore_ascii_case(name) || text.eq_ignore_ascii_case(short);
                is_it.then_some(number)
            }),
        };
        number.map(Self).ok_or_else(|| SignalNameError { text: text.to_owned() })
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.into_iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => formatter.pad(name),
            None => write!(formatter, "signal {}", self.0.as_raw()),
        }
    }
}

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("take `{text}` for a signal: it is none; name one as `HUP`, `USR2` or `TERM`")]
pub struct SignalNameError {
    text: String,
}
