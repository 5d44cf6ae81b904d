//! A process that is not our child, held by a descriptor, so that no other can be taken for it.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::lines::wait_readable;

/// A process of a server.
#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    descriptor: OwnedFd,
}

/// What a process holds of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: u64,
    pub(crate) environment_bytes: u64,
    pub(crate) resident_kib: u64,
}

impl Process {
    /// Takes hold of a process.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub(crate) fn open(pid: u32) -> Result<Self> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let raw = raw.with_context(|| format!("take {pid} for a process id"))?;
        let descriptor = pidfd_open(raw, PidfdFlags::empty())
            .with_context(|| format!("take hold of process {pid}"))?;
        Ok(Self { pid, descriptor })
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn send(&self, signal: Signal) -> Result<()> {
        pidfd_send_signal(&self.descriptor, signal)
            .with_context(|| format!("send a signal to process {}", self.pid))
    }

    /// Ends it at once, if it is still there.
    pub(crate) fn kill(&self) {
        // The only failure is that it is gone.
        let _gone = pidfd_send_signal(&self.descriptor, Signal::KILL);
    }

    /// Waits for its end. Returns whether that came before the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> Result<bool> {
        wait_readable(&self.descriptor, deadline)
    }

    /// How long its threads have run, those that have ended apart, from proc(5).
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        let of = || format!("look at the threads of process {}", self.pid);
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).with_context(of)?;
        let mut sum_ns = 0;
        for thread in threads {
            let path = thread.with_context(of)?.path().join("schedstat");
            let schedstat = fs::read_to_string(path).with_context(of)?;
            let ran_ns = schedstat.split(' ').next().and_then(|word| word.parse::<u64>().ok());
            sum_ns += ran_ns.with_context(of)?;
        }
        Ok(sum_ns)
    }

    /// What it holds now, from proc(5).
    pub(crate) fn holdings(&self) -> Result<Holdings> {
        let directory = format!("/proc/{}", self.pid);
        let of = |part: &str| format!("look at `{part}` of process {}", self.pid);
        let descriptors =
            fs::read_dir(format!("{directory}/fd")).with_context(|| of("fd"))?.count();
        let environment =
            fs::read(format!("{directory}/environ")).with_context(|| of("environ"))?;
        let status =
            fs::read_to_string(format!("{directory}/status")).with_context(|| of("status"))?;
        Ok(Holdings {
            descriptors: u64::try_from(descriptors)?,
            environment_bytes: u64::try_from(environment.len())?,
            resident_kib: resident_kib(&status).with_context(|| of("status"))?,
        })
    }
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// A child that waits for the end of its input, with an environment of one variable. What the
    /// shell does before is up to `prelude`.
    fn child(prelude: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{prelude} exec env -i A=bc cat")]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Once it repeats what it is told, it is what it is to be.
        child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        child
    }

    fn holdings(prelude: &str) -> Holdings {
        let mut child = child(prelude);
        let process = Process::open(child.id()).unwrap();
        let holdings = process.holdings().unwrap();
        process.kill();
        child.wait().unwrap();
        holdings
    }

    #[test]
    fn its_holdings_are_seen() {
        // Whoever runs the tests may pass on descriptors too, so that it is one more that is seen.
        let (plain, more) = (holdings(""), holdings("exec 9</dev/null;"));
        assert_eq!(more.descriptors, plain.descriptors + 1);
        assert_eq!(plain.environment_bytes, "A=bc\0".len() as u64);
        assert!((100..100_000).contains(&plain.resident_kib), "{plain:?}");
    }

    #[test]
    fn what_its_threads_have_run_is_counted() {
        let ours = Process::open(std::process::id()).unwrap();
        let before_ns = ours.cpu_ns().unwrap();
        // Another thread than the one that looks.
        let spin = || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
            ours.cpu_ns().unwrap()
        };
        let after_ns = std::thread::scope(|scope| scope.spawn(spin).join().unwrap());
        assert!(after_ns > before_ns, "{before_ns} {after_ns}");
    }

    #[test]
    fn its_end_is_waited_for_and_no_longer_than_said() {
        let mut child = child("");
        let process = Process::open(child.id()).unwrap();
        assert!(!process.wait(Instant::now() + Duration::from_millis(10)).unwrap());
        process.send(Signal::TERM).unwrap();
        assert!(process.wait(Instant::now() + Duration::from_secs(20)).unwrap());
        child.wait().unwrap();
        assert!(process.send(Signal::TERM).is_err());
        process.kill();
    }

    #[test]
    fn what_is_no_process_is_an_error() {
        for pid in [0, u32::MAX] {
            assert!(Process::open(pid).is_err());
        }
    }

    #[test]
    fn resident_memory_is_read_as_the_kernel_writes_it() {
        let status = "Name:\tcat\nVmHWM:\t    2000 kB\nVmRSS:\t    1860 kB\nThreads:\t1\n";
        assert_eq!(resident_kib(status), Some(1860));
        assert_eq!(resident_kib("Name:\tcat\n"), None);
    }
}
