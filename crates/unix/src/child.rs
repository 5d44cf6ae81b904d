//! `Child`: a process that we started, held by a pidfd.
//!
//! Owns its exit status and its reaping. Refuses processes of others (see `process`) and any
//! judgement: a dropped child is neither killed nor waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::exit_status::ExitStatus;
use crate::process::open_pidfd;
use crate::readiness::wait_readable;
use crate::signal::Signal;

/// A process that this one started.
///
/// The descriptor of [`AsFd`] can be polled: it reads as ready once the child has ended, and
/// [`Child::try_wait`] then gives its status and leaves no zombie. Everything goes by the pidfd,
/// so that neither a status nor a signal ever concerns a stranger with the same pid.
///
/// A child that is dropped lives on. If it has ended by then it is reaped, else it stays a zombie
/// from its end to ours.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Takes hold of the child `pid`, which nobody has waited for yet.
    pub(crate) fn adopt(pid: Pid) -> rustix::io::Result<Child> {
        Ok(Child {
            pid,
            pidfd: open_pidfd(pid)?,
            ended: None,
        })
    }

    /// Its pid. After [`Child::try_wait`] gave a status, the system may give it to another.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its status if it has ended, and then reaps it. Never blocks. Once ended, it always gives
    /// the same answer.
    ///
    /// # Errors
    ///
    /// Those of waitid(2), of which none is expected.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.collect(WaitIdOptions::NOHANG)
    }

    /// Waits until it has ended, and reaps it. Blocks the thread.
    ///
    /// # Errors
    ///
    /// Those of waitid(2), of which none is expected.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        // The kernel answers a wait without NOHANG with an ended process or an error.
        Ok(self
            .collect(WaitIdOptions::empty())?
            .unwrap_or(ExitStatus::Unknown))
    }

    /// As [`Child::wait`], but gives up after `timeout` with `None`.
    ///
    /// # Errors
    ///
    /// Those of poll(2) and waitid(2), of which none is expected.
    pub fn wait_for(&mut self, timeout: Duration) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            wait_readable(&self.pidfd, Some(timeout))?;
        }
        self.try_wait()
    }

    /// Sends it `signal` by pidfd_send_signal(2). A child that has ended is left in peace, which
    /// is no error: the caller could not have known.
    ///
    /// # Errors
    ///
    /// `EPERM` if it runs as another user by now.
    pub fn kill(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal.to_raw()) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn collect(&mut self, options: WaitIdOptions) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            let options = options | WaitIdOptions::EXITED;
            let id = || WaitId::PidFd(self.pidfd.as_fd());
            self.ended = match retry_on_intr(|| waitid(id(), options)) {
                Ok(status) => status.as_ref().map(ExitStatus::from_waited),
                Err(Errno::CHILD) => Some(ExitStatus::Unknown),
                Err(error) => return Err(error.into()),
            };
        }
        Ok(self.ended)
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // There is nobody left to tell of an error.
        let _ = self.try_wait();
    }
}
