//! Hooks: where a program has its say in an upgrade.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rekindle_core::{Text, Verdict};
use tracing::error;

/// A hook without a say.
pub(crate) type Hook = Box<dyn FnMut() + Send>;

type BeforeSpawn = Box<dyn FnMut() -> Result<(), Text> + Send>;
type OnVerdict = Box<dyn FnMut(&Verdict) + Send>;

/// The hooks of a program. They run on the driver's thread, so they should be short: while one
/// runs, no signal is answered and no upgrade goes on. A hook that panics is logged, and a
/// refusal if it could have refused.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) before_spawn: Option<BeforeSpawn>,
    pub(crate) after_commit: Option<Hook>,
    pub(crate) on_abort: Option<OnVerdict>,
    pub(crate) on_rollback: Option<OnVerdict>,
}

impl Hooks {
    /// Asks the program whether the upgrade may begin.
    pub(crate) fn before_spawn(&mut self) -> Result<(), Text> {
        let Some(hook) = &mut self.before_spawn else {
            return Ok(());
        };
        match catch_unwind(AssertUnwindSafe(hook)) {
            Ok(answer) => answer,
            Err(_) => Err(Text::from("it panicked")),
        }
    }

    pub(crate) fn after_commit(&mut self) {
        if let Some(hook) = &mut self.after_commit {
            call("after_commit", hook);
        }
    }

    pub(crate) fn on_verdict(&mut self, verdict: &Verdict) {
        let (name, hook) = match verdict {
            Verdict::Committed(_) => return,
            Verdict::Aborted { .. } => ("on_abort", &mut self.on_abort),
            Verdict::RolledBack { .. } => ("on_rollback", &mut self.on_rollback),
        };
        if let Some(hook) = hook {
            call(name, || hook(verdict));
        }
    }
}

/// Calls a hook; one that panics must not end the service.
pub(crate) fn call(name: &str, hook: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        error!(hook = name, "a hook panicked; the service goes on");
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hooks")
            .field("before_spawn", &self.before_spawn.is_some())
            .field("after_commit", &self.after_commit.is_some())
            .field("on_abort", &self.on_abort.is_some())
            .field("on_rollback", &self.on_rollback.is_some())
            .finish()
    }
}
