//! What the service manager is told, by sd_notify(3).
//!
//! systemd hears only the main process by default (`NotifyAccess=main`), and ends the service when
//! that one exits. So the old process stays the main one for as long as it could resume, and
//! announces its successor when it no longer can, before it leaves.

use std::time::Duration;

use rekindle_unix::{Notifier, NotifyState};
use tracing::{debug, warn};

/// How long the service manager may take to have read all before a process leaves.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

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

    /// The successor is on its own: it is the main process from here on.
    pub(super) fn replaced(&self, pid: u32) {
        self.send(&[NotifyState::MainPid(pid)]);
        self.barrier();
    }

    /// The process stops, and takes no longer than `drain_timeout`.
    pub(super) fn stopping(&self, drain_timeout: Duration) {
        self.send(&[NotifyState::Stopping, NotifyState::ExtendTimeout(drain_timeout)]);
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
