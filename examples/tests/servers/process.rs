//! One process of an example, its end and how it came to it.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// How long anything may take. No test waits for it unless it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A process of an example. It stays until the example is dropped: only then is it reaped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) generation: u64,
    /// What it listens on.
    pub(crate) addresses: Vec<String>,
    pidfd: OwnedFd,
}

impl Process {
    pub(crate) fn new(pid: u32, generation: u64) -> Self {
        let pidfd = pidfd_open(id(pid), PidfdFlags::empty()).expect("nobody else reaps it");
        Self { pid, generation, addresses: Vec::new(), pidfd }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.pidfd, signal).unwrap();
    }

    /// Waits until it has exited, and returns its status.
    pub(crate) fn exit_status(&self) -> i32 {
        self.wait();
        // It is ours to ask: its parent ended before it did, or is this process.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(id(self.pid)), options).unwrap().unwrap();
        ended.exit_status().unwrap_or_else(|| panic!("it was killed: {ended:?}"))
    }

    /// Waits until it has ended, however.
    pub(crate) fn wait(&self) {
        let timeout = Timespec::try_from(DEADLINE).unwrap();
        let mut set = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let ended = poll(&mut set, Some(&timeout)).unwrap();
        assert_eq!(ended, 1, "generation {} is still there: it should end", self.generation);
    }
}

pub(crate) fn id(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}
