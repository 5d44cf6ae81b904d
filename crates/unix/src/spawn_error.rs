//! `SpawnError`: why a program was not started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::program_error::ProgramError;

/// Why a program was not started. In each case no child is left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// It cannot be found, or not be run by this user, or its start directory is gone.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// Somebody is writing the file (`ETXTBSY`), most often its installation. Try again shortly.
    #[error("start `{}`: the file is open for writing; wait until it is complete", path.display())]
    TextBusy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file is there, but the interpreter in its first line, or the loader that it was linked
    /// for, is not.
    #[error("start `{}`: the interpreter or loader that it names is not there", path.display())]
    InterpreterMissing {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The system denied it, though the file's mode allows it: a security module, or an
    /// interpreter that this user may not execute.
    #[error("start `{}`: the system denies it", path.display())]
    PermissionDenied {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file is executable, but neither a program for this machine nor a script with `#!`. An
    /// installation that was cut short looks like this.
    #[error("start `{}`: it is not a program for this machine", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Arguments and environment together are longer than execve(2) takes.
    #[error("start `{}`: arguments and environment are too long", path.display())]
    ArgumentsTooLong {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// It was started and has ended already, and its status went elsewhere: this program ignores
    /// `SIGCHLD`, or waits for any child on another thread.
    #[error("watch `{}`: it ended at once, and its status went to another part of this program",
        path.display())]
    Vanished {
        /// The file.
        path: PathBuf,
    },

    /// A limit of processes, memory or descriptors is reached.
    #[error("start `{}`: a limit of processes, memory or descriptors is reached", path.display())]
    LimitReached {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// An argument, a variable or the path has a NUL byte in it, where C strings end.
    #[error("pass `{}` to a program: it has a NUL byte in it", text.display())]
    NulByte {
        /// The argument, variable or path.
        text: OsString,
    },

    /// The name of an environment variable is empty or has `=` in it.
    #[error("pass the environment variable `{}` to a program: that is not a name", name.display())]
    NotAVariableName {
        /// The name.
        name: OsString,
    },

    /// Anything else that the system may say.
    #[error("start `{}`", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    /// Whether the file is being written, so that a later try may well succeed.
    #[must_use]
    pub const fn is_text_busy(&self) -> bool {
        matches!(self, SpawnError::TextBusy { .. })
    }
}
