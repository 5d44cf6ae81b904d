//! What may be asked of `cargo xtask`.

use clap::{Parser, Subcommand};

use crate::bench::BenchOptions;
use crate::ci::{CiOptions, Step};

/// What CI runs, checks and benches of this repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// One task. Every step of CI is a task by itself, too.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Run all steps that CI runs, up to the first that fails
    Ci(CiOptions),
    /// Measure upgrades, in release mode
    Bench(BenchOptions),
    #[command(flatten)]
    Step(Step),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_step_is_a_task_by_its_name() {
        for step in Step::ALL {
            let arguments = Arguments::try_parse_from(["xtask", step.name()]).unwrap();
            assert!(matches!(arguments.task, Task::Step(parsed) if parsed == step), "{step:?}");
        }
    }

    #[test]
    fn an_unknown_task_is_refused() {
        assert!(Arguments::try_parse_from(["xtask", "deploy"]).is_err());
        assert!(Arguments::try_parse_from(["xtask"]).is_err());
    }
}
