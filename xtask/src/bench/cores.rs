//! Which core whom: a server that has one to itself is what limits, and not its client.

use std::process::{Child, Command};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A core of client and server each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) client: Core,
    pub(crate) server: Core,
}

/// Where a program runs, with all threads and processes that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    /// On this core and no other.
    Only(usize),
    /// Wherever the system lets it.
    Any,
}

impl Cores {
    /// Cores apart from each other, of those that we may use; any if there is but one.
    pub(crate) fn find() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("learn on which cores we may run")?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        Ok(match cores[..] {
            // Neighbours are often two halves of one core.
            [first, .., last] => Self { client: Core::Only(first), server: Core::Only(last) },
            [] | [_] => Self { client: Core::Any, server: Core::Any },
        })
    }

    /// How a table says it.
    pub(crate) const fn description(self) -> &'static str {
        match self.server {
            Core::Only(_) => "client and server on a core each",
            Core::Any => "client and server on the same core",
        }
    }
}

impl Core {
    /// Starts a program there.
    pub(crate) fn spawn(self, command: &mut Command) -> Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut spawn = || command.spawn().with_context(|| format!("start `{program}`"));
        match self {
            Self::Any => spawn(),
            Self::Only(core) => on(core, spawn),
        }
    }
}

/// Does something on one core. What is started meanwhile stays there.
fn on<T>(core: usize, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = sched_getaffinity(None).context("learn on which cores we may run")?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).with_context(|| format!("run on core {core}"))?;
    let done = act();
    sched_setaffinity(None, &before).context("run on all cores again")?;
    done
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// The cores that a program may use if it is started there, as proc(5) lists them.
    fn allowed(core: Core) -> String {
        let mut command = Command::new("grep");
        command.args(["Cpus_allowed_list", "/proc/self/status"]).stdout(Stdio::piped());
        let child = core.spawn(&mut command).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        said.split_whitespace().nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_program_runs_where_it_is_put_and_we_stay() {
        let ours = allowed(Core::Any);
        let Cores { client, server } = Cores::find().unwrap();
        for core in [client, server] {
            if let Core::Only(number) = core {
                assert_eq!(allowed(core), number.to_string());
                assert_ne!(client, server);
            }
        }
        assert_eq!(allowed(Core::Any), ours);
    }

    #[test]
    fn a_program_that_is_not_there_is_named_and_we_stay() {
        let ours = allowed(Core::Any);
        let Cores { server, .. } = Cores::find().unwrap();
        let error = server.spawn(&mut Command::new("/nonexistent/server")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/server"), "{error}");
        assert_eq!(allowed(Core::Any), ours);
    }
}
