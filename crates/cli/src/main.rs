//! The `rekindle` command. All of it is in the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    rekindle_cli::run(std::env::args_os()).into()
}
