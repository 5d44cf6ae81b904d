//! The settings of a service.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rekindle_core::{Settings, Text, Verdict};
use rekindle_unix::Signal;

use crate::hooks::Hooks;
use crate::signal_policy::{SignalAction, SignalPolicy};

/// How a service is set up. Everything has a default that works; see each method for it.
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    pub(crate) settings: Settings,
    pub(crate) build: Text,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) control: Option<PathBuf>,
    pub(crate) rendezvous: Option<PathBuf>,
    pub(crate) hooks: Hooks,
    pub(crate) policy: SignalPolicy,
    pub(crate) program: Option<PathBuf>,
    pub(crate) arguments: Option<Vec<OsString>>,
    pub(crate) wiring: Wiring,
}

/// Whether the service is joined to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wiring {
    Real,
    Stub,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            build: Text::default(),
            pid_file: None,
            control: None,
            rendezvous: None,
            hooks: Hooks::default(),
            policy: SignalPolicy::default(),
            program: None,
            arguments: None,
            wiring: Wiring::Real,
        }
    }

    /// A pid file: it always names the process that serves, and keeps a second instance from
    /// starting. Default: none.
    pub fn pid_file(mut self, path: impl AsRef<Path>) -> Self {
        self.pid_file = Some(path.as_ref().to_owned());
        self
    }

    /// A Unix socket path on which operators of the same user, or root, ask for status, upgrade
    /// and stop: see docs/control.md. Default: none.
    pub fn control(mut self, path: impl AsRef<Path>) -> Self {
        self.control = Some(path.as_ref().to_owned());
        self
    }

    /// A Unix socket path at which a next version that somebody else starts (a unit, a container,
    /// a shell) finds this process and takes over. Default: none.
    pub fn rendezvous(mut self, path: impl AsRef<Path>) -> Self {
        self.rendezvous = Some(path.as_ref().to_owned());
        self
    }

    /// What this build is called in logs and in the status. Default: nothing.
    pub fn build(mut self, name: impl Display) -> Self {
        self.build = Text::of(name);
        self
    }

    /// How long a next version may take until it is ready. Default: 60 s.
    pub const fn start_timeout(mut self, timeout: Duration) -> Self {
        self.settings.start_timeout = timeout;
        self
    }

    /// How long what is in flight may take to finish, before it is cut. Default: 60 s.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// How long a process that was replaced stays able to resume, in case its successor dies.
    /// Default: 10 s. Zero gives up roll backs.
    pub const fn probation(mut self, probation: Duration) -> Self {
        self.settings.probation = probation;
        self
    }

    /// How many older generations may drain at once, before the oldest is cut. Default: 8.
    /// At least 1.
    pub const fn draining_limit(mut self, generations: usize) -> Self {
        self.settings.draining_limit = if generations == 0 { 1 } else { generations };
        self
    }

    /// The program to start for an upgrade. Default: this one, found again by the name that it
    /// was started with, from the directory that it was started in.
    pub fn program(mut self, path: impl AsRef<Path>) -> Self {
        self.program = Some(path.as_ref().to_owned());
        self
    }

    /// The arguments to start it with, without the program's name. Default: those of this process.
    pub fn arguments<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.arguments = Some(arguments.into_iter().map(Into::into).collect());
        self
    }

    /// Lets `signal` do `action`. Default: `SIGHUP` upgrades; `SIGTERM`, `SIGINT` and `SIGQUIT`
    /// stop, a second one at once; `SIGUSR2` hammers; `SIGUSR1` does nothing but its hooks.
    pub fn signal(mut self, signal: Signal, action: SignalAction) -> Self {
        self.policy.bind(signal, action);
        self
    }

    /// Leaves `signal` to whatever else handles it, or to its default action.
    pub fn leave_signal(mut self, signal: Signal) -> Self {
        self.policy.release(signal);
        self
    }

    /// Calls `hook` before `signal` does what it does.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn before_signal(mut self, signal: Signal, hook: impl FnMut() + Send + 'static) -> Self {
        self.policy.before(signal, Box::new(hook));
        self
    }

    /// Calls `hook` after `signal` did what it does.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn after_signal(mut self, signal: Signal, hook: impl FnMut() + Send + 'static) -> Self {
        self.policy.after(signal, Box::new(hook));
        self
    }

    /// Asks `hook` before a next version is started. An error aborts the upgrade, and its words
    /// are in the verdict.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn before_spawn<E: Display>(
        mut self,
        mut hook: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.hooks.before_spawn = Some(Box::new(move || hook().map_err(|error| Text::of(error))));
        self
    }

    /// Calls `hook` when a next version takes over.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn after_commit(mut self, hook: impl FnMut() + Send + 'static) -> Self {
        self.hooks.after_commit = Some(Box::new(hook));
        self
    }

    /// Calls `hook` with the verdict of an upgrade that was aborted.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn on_abort(mut self, hook: impl FnMut(&Verdict) + Send + 'static) -> Self {
        self.hooks.on_abort = Some(Box::new(hook));
        self
    }

    /// Calls `hook` with the verdict of an upgrade that was rolled back.
    ///
    /// It runs on the driver's thread: keep it short; connections that move to this process wait
    /// meanwhile.
    pub fn on_rollback(mut self, hook: impl FnMut(&Verdict) + Send + 'static) -> Self {
        self.hooks.on_rollback = Some(Box::new(hook));
        self
    }

    /// A service that is joined to nothing, for a program's own tests: it is always generation 1,
    /// looks at no environment and no signal, writes no pid file, opens no control socket, and
    /// cannot be upgraded. The rest is as it is: listeners are bound, guards count, `stop` drains.
    pub const fn stub(mut self) -> Self {
        self.wiring = Wiring::Stub;
        self
    }
}
