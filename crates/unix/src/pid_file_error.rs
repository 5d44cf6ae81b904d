//! `PidFileError`: why a pid file was not taken, read or removed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a pid file was not taken, read or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PidFileError {
    /// Another instance runs. It holds the lock of the file.
    #[error("take the pid file `{}`: {} holds it; stop that one first, or upgrade it",
        path.display(), holder(*pid))]
    Running {
        /// The pid file.
        path: PathBuf,
        /// Who holds it, if the file says so.
        pid: Option<u32>,
    },

    /// The path leads to something that no pid file is, and which is therefore left alone.
    #[error("use `{}` as a pid file: it is {found}; remove it or name another path",
        path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is instead, such as `a directory`.
        found: &'static str,
    },

    /// There is no such file to read.
    #[error("read the pid file `{}`: there is none, so nothing runs that keeps it",
        path.display())]
    NotFound {
        /// The pid file.
        path: PathBuf,
    },

    /// The file has something else in it than one pid.
    #[error("read the pid file `{}`: there is no pid in it", path.display())]
    Malformed {
        /// The pid file.
        path: PathBuf,
    },

    /// The directory of the path is not there.
    #[error("write the pid file `{}`: its directory is not there; make it first", path.display())]
    DirectoryMissing {
        /// The pid file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file changed again and again while it was looked at.
    #[error("take the pid file `{}`: others keep changing it", path.display())]
    Contended {
        /// The pid file.
        path: PathBuf,
    },

    /// The system refused to read it, or to tell what it is.
    #[error("read the pid file `{}`", path.display())]
    Read {
        /// The pid file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The system refused to write it.
    #[error("write the pid file `{}`", path.display())]
    Write {
        /// The pid file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The system refused to remove it. A process that gave up its privileges may not: the file
    /// stays, unlocked, and the next start takes it for what it is.
    #[error("remove the pid file `{}`: it stays, and counts as stale", path.display())]
    Remove {
        /// The pid file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
