//! The lines that a program says, read as they come and not a moment later.

use std::io::Read;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

/// The longest line: a thousand addresses, and some more.
const LINE_LIMIT_BYTES: usize = 64 * 1024;

/// The standard output of a client, or of a server and all its later generations.
#[derive(Debug)]
pub(crate) struct Lines {
    who: &'static str,
    output: ChildStdout,
    buffer: Vec<u8>,
}

impl Lines {
    pub(crate) const fn new(who: &'static str, output: ChildStdout) -> Self {
        Self { who, output, buffer: Vec::new() }
    }

    /// The next line, without its line feed.
    ///
    /// # Errors
    ///
    /// If none comes before the deadline, or none can come any more.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8(line).with_context(|| self.failure())?;
                return Ok(line.trim_end_matches('\n').to_owned());
            }
            if self.buffer.len() > LINE_LIMIT_BYTES {
                bail!("{}: a line has no end", self.failure());
            }
            if !wait_readable(&self.output, deadline)? {
                bail!("hear from the {} in time", self.who);
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<()> {
        let mut chunk = [0; 4096];
        match self.output.read(&mut chunk).with_context(|| self.failure())? {
            0 => bail!("hear from the {}: it is gone", self.who),
            count => self.buffer.extend_from_slice(&chunk[..count]),
        }
        Ok(())
    }

    fn failure(&self) -> String {
        format!("read what the {} says", self.who)
    }
}

/// Waits until there is something to read, or for a process that it has ended. Returns whether
/// that was before the deadline.
pub(crate) fn wait_readable(descriptor: &impl AsFd, deadline: Instant) -> Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut interest = [PollFd::new(descriptor, PollFlags::IN)];
        match poll(&mut interest, Some(&timespec(left))) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for the server"),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn shell(script: &str) -> (Child, Lines) {
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = Lines::new("server", child.stdout.take().unwrap());
        (child, lines)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn lines_come_one_by_one_and_then_the_end_is_an_error() {
        let (mut child, mut lines) = shell("printf 'one\\ntwo\\nthr'; printf 'ee\\nrest'");
        for expected in ["one", "two", "three"] {
            assert_eq!(lines.next(soon()).unwrap(), expected);
        }
        let error = lines.next(soon()).unwrap_err().to_string();
        assert!(error.contains("it is gone"), "{error}");
        child.wait().unwrap();
    }

    #[test]
    fn it_does_not_wait_beyond_the_deadline() {
        let (mut child, mut lines) = shell("exec sleep 60");
        let error = lines.next(Instant::now() + Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.to_string(), "hear from the server in time");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_line_without_end_is_not_kept_for_ever() {
        let (mut child, mut lines) = shell("yes | tr -d '\\n'");
        let error = lines.next(soon()).unwrap_err().to_string();
        assert!(error.contains("no end"), "{error}");
        drop(lines);
        child.wait().unwrap();
    }
}
