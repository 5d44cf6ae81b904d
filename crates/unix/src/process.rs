//! `Process`: a running process that need not be our child, held by a pidfd.
//!
//! Owns looking at it and signalling it without the danger that its pid has gone to another.
//! Refuses its exit status, which the kernel gives to the parent alone (see `child`).

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::readiness::wait_readable;
use crate::signal::Signal;

/// A process, held by pidfd_open(2).
///
/// The descriptor can be polled: it reads as ready once the process has ended. It goes on naming
/// the same process after that one has ended and its pid has gone to another.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// Takes hold of the process that has the pid `pid` now.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is none, `EINVAL` if `pid` is 0, out of range, or a thread that leads no
    /// process, and those of pidfd_open(2).
    pub fn open(pid: u32) -> io::Result<Process> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pidfd = open_pidfd(raw.ok_or(rustix::io::Errno::INVAL)?)?;
        Ok(Process { pid, pidfd })
    }

    /// Takes hold of the process `pid`, if it is the one that started at `started_ticks`.
    ///
    /// For a pid that was written down: by now it may be another's. `None` says that the process
    /// which was meant has ended.
    ///
    /// # Errors
    ///
    /// Those of [`Process::open`] and [`start_time_ticks`] that do not mean that it has ended.
    pub fn open_if_started_at(pid: u32, started_ticks: u64) -> io::Result<Option<Process>> {
        let process = match Process::open(pid) {
            Ok(process) => process,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            Err(error) => return Err(error),
        };
        // The order is what makes it sound: the pidfd is held, the time is read by the pid, and
        // the process still runs afterwards, so the pid was its own all the while.
        let same = match start_time_ticks(pid) {
            Ok(found) => found == started_ticks,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => false,
            Err(error) => return Err(error),
        };
        Ok((same && process.is_running()?).then_some(process))
    }

    /// Its pid, as this process's pid namespace counts.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended yet. One that has ended and waits for its parent does not run.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn is_running(&self) -> io::Result<bool> {
        Ok(!wait_readable(&self.pidfd, Some(Duration::ZERO))?)
    }

    /// Waits until it has ended; `false` if it still runs after `timeout`. Blocks the thread.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait_for(&self, timeout: Duration) -> io::Result<bool> {
        wait_readable(&self.pidfd, Some(timeout))
    }

    /// Sends it `signal` by pidfd_send_signal(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if it has ended, `EPERM` if it belongs to somebody else.
    pub fn kill(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.pidfd, signal.to_raw())?)
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The pidfd of `pid`, close-on-exec as the kernel makes all of them.
pub(crate) fn open_pidfd(pid: Pid) -> rustix::io::Result<OwnedFd> {
    pidfd_open(pid, PidfdFlags::empty())
}

/// When the process `pid` started, in clock ticks since the machine did: field 22 of
/// `/proc/PID/stat`, see proc_pid_stat(5).
///
/// Pid and start time together name a process for as long as the machine runs.
///
/// # Errors
///
/// `NotFound` (or `ESRCH`) if there is no such process, `InvalidData` if the kernel's answer
/// does not have the form that is documented.
pub fn start_time_ticks(pid: u32) -> io::Result<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat"))?;
    parse_start_time(&stat)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no start time in the stat file"))
}

/// Field 22 of `stat`. The second field, the command's name, may itself hold blanks and
/// parentheses, so fields are counted from behind the *last* parenthesis.
fn parse_start_time(stat: &[u8]) -> Option<u64> {
    const FIELDS_BETWEEN_NAME_AND_START_TIME: usize = 19;
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    fields.split_ascii_whitespace().nth(FIELDS_BETWEEN_NAME_AND_START_TIME)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// A process of std's that ends when its standard input is closed.
    fn cat() -> std::process::Child {
        Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn a_process_runs_until_it_is_killed_and_not_only_until_it_is_reaped() {
        let mut other = cat();
        let process = Process::open(other.id()).unwrap();
        assert_eq!(process.pid(), other.id());
        assert!(process.is_running().unwrap());
        assert!(!process.wait_for(Duration::ZERO).unwrap());

        process.kill(Signal::Kill).unwrap();
        assert!(process.wait_for(Duration::from_secs(10)).unwrap());
        assert!(!process.is_running().unwrap(), "a zombie is not running");

        other.wait().unwrap();
        assert!(!process.is_running().unwrap());
        let error = process.kill(Signal::Kill).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn pids_that_nobody_can_have_are_refused() {
        for pid in [0, u32::MAX, i32::MAX as u32 + 1] {
            let error = Process::open(pid).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{pid}");
        }
        let error = Process::open(i32::MAX as u32).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn a_pid_that_was_written_down_is_only_believed_with_its_start_time() {
        let mut other = cat();
        let pid = other.id();
        let start = start_time_ticks(pid).unwrap();

        assert_eq!(Process::open_if_started_at(pid, start).unwrap().unwrap().pid(), pid);
        assert!(Process::open_if_started_at(pid, start + 1).unwrap().is_none());

        let held = Process::open(pid).unwrap();
        other.kill().unwrap();
        assert!(held.wait_for(Duration::from_secs(10)).unwrap());
        assert!(Process::open_if_started_at(pid, start).unwrap().is_none(), "a zombie");
        other.wait().unwrap();
        assert!(Process::open_if_started_at(pid, start).unwrap().is_none(), "gone");
    }

    #[test]
    fn a_later_process_does_not_start_earlier() {
        let mut other = cat();
        let own = start_time_ticks(std::process::id()).unwrap();
        assert!(own > 0);
        assert!(start_time_ticks(other.id()).unwrap() >= own);
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(start_time_ticks(other.id()).is_err());
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        for name in ["server", "a b", ") S 1 (", "(((", ")))", "\n1 2 3", ""] {
            let stat = format!("77 ({name}) {rest}\n");
            assert_eq!(parse_start_time(stat.as_bytes()), Some(4242), "{name:?}");
        }
        let mut stat = b"77 (\xff\xfe) ".to_vec();
        stat.extend_from_slice(rest.as_bytes());
        assert_eq!(parse_start_time(&stat), Some(4242), "a name need not be UTF-8");
    }

    #[test]
    fn a_stat_of_another_form_has_no_start_time() {
        let short = "77 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18";
        let text = "77 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 many";
        for stat in ["", "77", ")", short, text] {
            assert_eq!(parse_start_time(stat.as_bytes()), None, "{stat:?}");
        }
    }
}
