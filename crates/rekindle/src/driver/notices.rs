//! What the service manager is told, by sd_notify(3).
//!
//! systemd hears only the main process by default (`NotifyAccess=main`), and ends the service when
//! that one exits. So the old process stays the main one for as long as it could resume, and
//! announces its successor when it no longer can, before it leaves.

use std::thread;
use std::time::{Duration, Instant};

use rekindle_unix::{Notifier, NotifyError, NotifyState};
use tracing::{debug, error, warn};

/// How long the service manager may take to have read all before a process leaves.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for room in its queue before the next try.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What a stop may take beyond its drain, so that the hammer falls before the service manager's.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// The words to the service manager, if there is one.
#[derive(Debug)]
pub(super) struct Notices {
    notifier: Option<Notifier>,
}

impl Notices {
    pub(super) const fn new(notifier: Option<Notifier>) -> Self {
        Self { notifier }
    }

    /// The process serves: it has started, or an upgrade is over.
    pub(super) fn serving(&self, status: String) {
        self.send(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// An upgrade begins.
    pub(super) fn upgrading(&self) {
        self.send(&[NotifyState::Reloading]);
    }

    /// The successor took over and may yet be rolled back: the reload is done.
    pub(super) fn committed(&self, status: String) {
        self.serving(status);
    }

    /// The successor is on its own: it is the main process from here on. Were that lost, the
    /// service manager would end the service with the old process, so a full queue is waited for.
    pub(super) fn replaced(&self, pid: u32, status: String) {
        let Some(notifier) = &self.notifier else { return };
        let states = [NotifyState::MainPid(pid), NotifyState::Status(status)];
        let deadline = Instant::now() + BARRIER_TIMEOUT;
        while let Err(error) = notifier.send(&states) {
            if !matches!(error, NotifyError::Busy) || Instant::now() >= deadline {
                return error!(%error, pid, "the service manager knows no new main process");
            }
            thread::sleep(BUSY_PAUSE);
        }
        self.barrier();
    }

    /// The process stops, and takes no longer than `drain_timeout`.
    pub(super) fn stopping(&self, drain_timeout: Duration) {
        let longest = drain_timeout.saturating_add(STOP_MARGIN);
        self.send(&[NotifyState::Stopping, NotifyState::ExtendTimeout(longest)]);
    }

    fn send(&self, states: &[NotifyState]) {
        let Some(notifier) = &self.notifier else {
            return;
        };
        if let Err(error) = notifier.send(states) {
            warn!(%error, "the service manager was not told");
        }
    }

    /// Waits until the service manager has read all, so that it knows the new main process before
    /// it sees the old one exit.
    fn barrier(&self) {
        let Some(notifier) = &self.notifier else {
            return;
        };
        if let Err(error) = notifier.barrier(BARRIER_TIMEOUT) {
            debug!(%error, "the service manager did not answer the barrier");
        }
    }
}
