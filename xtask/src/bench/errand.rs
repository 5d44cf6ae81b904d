//! A program that is sent to do something, says what came of it, and ends.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::param::clock_ticks_per_second;

use super::cores::Core;
use super::process::Process;

/// How much longer than its work it may take.
const PATIENCE: Duration = Duration::from_secs(30);

const NS_PER_S: u64 = 1_000_000_000;

/// A program under way. It is ended when dropped.
#[derive(Debug)]
pub(crate) struct Errand {
    child: Child,
    process: Process,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    /// All of its standard output.
    pub(crate) said: String,
    /// How long its threads have run, in steps of the kernel's clock (10 ms).
    pub(crate) cpu_ns: u64,
}

impl Errand {
    pub(crate) fn start(command: &mut Command, core: Core) -> Result<Self> {
        let child = core.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let process = Process::open(child.id())?;
        Ok(Self { child, process })
    }

    /// Waits for its end, which comes after so long. What it says must fit into a pipe.
    pub(crate) fn finish(mut self, work: Duration) -> Result<Done> {
        let pid = self.process.pid();
        let in_time = self.process.wait(Instant::now() + work + PATIENCE)?;
        ensure!(in_time, "see process {pid} end in time");
        // It is not reaped yet, so that what it has used is still told.
        let cpu_ns = used_ns(pid)?;
        let status = self.child.wait().with_context(|| format!("reap process {pid}"))?;
        let mut said = String::new();
        let mut output = self.child.stdout.take().context("hear from a program")?;
        output.read_to_string(&mut said).with_context(|| format!("hear from process {pid}"))?;
        ensure!(status.success(), "see process {pid} succeed: {status}");
        Ok(Done { said, cpu_ns })
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        // If it has ended there is nothing to end.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The processor time of all threads that a process ever had, from proc(5).
fn used_ns(pid: u32) -> Result<u64> {
    let of = || format!("look at what process {pid} has used");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(of)?;
    let ticks = used_ticks(&stat).with_context(of)?;
    Ok(ticks * NS_PER_S / clock_ticks_per_second())
}

/// Fields 14 and 15 of `/proc/PID/stat`. The second is a name, which may hold anything, in
/// parentheses.
fn used_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Done> {
        let errand = Errand::start(Command::new("sh").args(["-c", script]), Core::Any).unwrap();
        errand.finish(Duration::ZERO)
    }

    #[test]
    fn what_it_says_and_uses_is_known_after_its_end() {
        let done = shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done").unwrap();
        assert_eq!(done.said, "done\n");
        assert!((20_000_000..20_000_000_000).contains(&done.cpu_ns), "{}", done.cpu_ns);
    }

    #[test]
    fn one_that_fails_is_an_error() {
        let error = shell("exit 3").unwrap_err().to_string();
        assert!(error.contains('3'), "{error}");
    }

    #[test]
    fn a_name_can_hold_anything() {
        let stat = "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 500 60 0 0 20";
        assert_eq!(used_ticks(stat), Some(560));
        assert_eq!(used_ticks("7 (a) R 1"), None);
    }
}
