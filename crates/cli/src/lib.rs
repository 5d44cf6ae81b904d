//! The `rekindle` command: arguments → checked plan → run.
//!
//! This package owns words for people: what may be asked, how the answer reads, which exit status
//! it gives. It refuses to know how an upgrade works (`rekindle` does) and what a client notices
//! (`rekindle-prove` does).

#![forbid(unsafe_code)]

mod arguments;
mod control;
mod demo;
mod demo_server;
mod exit_status;
mod failure;
mod interrupt;
mod output;
mod pid_file;
mod plan;
mod prove;
mod run;
mod table;
mod tally;
mod text;

pub use arguments::command;
pub use exit_status::ExitStatus;
pub use run::run;
