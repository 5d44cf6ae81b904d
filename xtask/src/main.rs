//! `cargo xtask`: what CI runs, checks and benches of this repository.
//!
//! The file owns the exit status and nothing else: 0 if all is well, 1 if a check failed or a goal
//! was missed, 2 if the arguments are wrong or the work could not be done.

mod arguments;
mod bench;
mod ci;
mod outcome;
mod repository;
mod tidy;
mod tool;
mod tree;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::arguments::{Arguments, Task};
use crate::repository::Repository;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("xtask failed to {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Does what was asked for. Returns whether all is well.
fn run(arguments: Arguments) -> Result<bool> {
    let repository = Repository::find();
    match arguments.task {
        Task::Ci(options) => ci::run(&repository, &options),
        Task::Bench(options) => bench::run(&repository, &options),
        Task::Step(step) => ci::run_alone(&repository, step),
    }
}
