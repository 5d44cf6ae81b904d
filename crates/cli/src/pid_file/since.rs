//! `Since`: when a process started, and how long ago that is.

use std::io;
use std::time::{Duration, SystemTime};

use rekindle_unix::{Process, start_time_ticks};
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// When a process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Since {
    pub(super) uptime: Duration,
    pub(super) started: SystemTime,
}

impl Since {
    /// Of a process that runs; `None` if it has ended by now.
    ///
    /// The kernel counts from the start of the machine, time asleep included (see
    /// proc_pid_stat(5)), to a hundredth of a second.
    pub(super) fn of(process: &Process) -> io::Result<Option<Self>> {
        let ticks = match start_time_ticks(process.pid()) {
            Ok(ticks) => ticks,
            Err(_) if !process.is_running()? => return Ok(None),
            Err(error) => return Err(error),
        };
        // Asked after the look by pid, so that the pid was its own all the while.
        if !process.is_running()? {
            return Ok(None);
        }
        let uptime = since_boot().saturating_sub(in_time(ticks, clock_ticks_per_second()));
        let started = SystemTime::now().checked_sub(uptime).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Some(Self { uptime, started }))
    }
}

fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::try_from(now).expect("no time before the start of the machine is read from its clock")
}

fn in_time(ticks: u64, per_second: u64) -> Duration {
    let per_second = per_second.max(1);
    let nanos = ticks % per_second * 1_000_000_000 / per_second;
    Duration::from_secs(ticks / per_second) + Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_hundredths_of_a_second_or_others() {
        assert_eq!(in_time(12_345, 100), Duration::from_millis(123_450));
        assert_eq!(in_time(1, 1_024), Duration::from_nanos(976_562));
        assert_eq!(in_time(u64::MAX, 1).as_secs(), u64::MAX);
    }

    #[test]
    fn this_process_started_a_while_ago_and_after_the_machine() {
        let process = Process::open(std::process::id()).unwrap();
        let since = Since::of(&process).unwrap().unwrap();
        assert!(since.uptime < since_boot());
        assert!(since.uptime < Duration::from_secs(24 * 60 * 60), "{since:?}");
        assert!(since.started <= SystemTime::now());
    }

    #[test]
    fn a_process_that_has_ended_did_not_start() {
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(Since::of(&process).unwrap(), None);
    }
}
