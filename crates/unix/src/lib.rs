//! What rekindle asks of the system. Linux only.
//!
//! This crate owns the system calls: programs found and started, children and other processes
//! watched, signals, notify sockets, pid files, environment markers. It refuses policy: when to
//! do any of it, and what to do when it fails, is for its callers.
//!
//! It is the only crate of the workspace with `unsafe` code, opted into file by file.

#![deny(unsafe_code)]

mod bell;
mod child;
mod directory_lock;
mod environment;
mod executable;
mod exit_status;
mod limits;
mod locked_file;
mod marker;
mod notify;
mod notify_error;
mod notify_state;
mod origin;
mod pid_file;
mod pid_file_content;
mod pid_file_error;
mod posix_spawn;
mod process;
mod program;
mod program_error;
mod readiness;
mod signal;
mod signals;
mod spawn;
mod spawn_error;
mod watchdog;

pub use bell::Bell;
pub use child::Child;
pub use environment::take_variable;
pub use exit_status::ExitStatus;
pub use limits::{DescriptorLimit, descriptor_limit, open_descriptors, raise_descriptor_limit};
pub use marker::{CHANNEL_VARIABLE, Marker, MarkerError};
pub use notify::{NOTIFY_VARIABLE, Notifier};
pub use notify_error::NotifyError;
pub use notify_state::State;
pub use pid_file::PidFile;
pub use pid_file_error::PidFileError;
pub use process::{Process, start_time_ticks};
pub use program::Program;
pub use program_error::ProgramError;
pub use signal::{Signal, SignalParseError};
pub use signals::{Signals, SignalsError, die_by};
pub use spawn::{SpawnOptions, spawn};
pub use spawn_error::SpawnError;
pub use watchdog::{WatchdogError, watchdog_interval};
