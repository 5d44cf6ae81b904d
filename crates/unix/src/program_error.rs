//! `ProgramError`: why a program cannot be found or run.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a program cannot be found or run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// There is no file with the program's name.
    #[error("find the program `{}`: there is no such file", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// No directory of the search path has a file with the program's name.
    #[error("find the program `{}` in a directory of PATH, which is `{}`",
        name.display(), search_path.display())]
    NotOnPath {
        /// The name, which has no slash in it.
        name: OsString,
        /// The search path as it was when the program was captured.
        search_path: OsString,
    },

    /// The file is there, but this user may not execute it, or not enter its directory.
    #[error("run `{}`: this user may not execute it", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The name leads to a directory.
    #[error("run `{}`: it is a directory", path.display())]
    IsDirectory {
        /// The directory.
        path: PathBuf,
    },

    /// The name leads to a device, a socket or a pipe.
    #[error("run `{}`: it is not a regular file", path.display())]
    NotAFile {
        /// What was found there.
        path: PathBuf,
    },

    /// The directory to start the program in is gone, or is no directory, or is closed to us.
    #[error("enter the start directory `{}`: make it anew or set another", directory.display())]
    DirectoryMissing {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The directory in which this process runs has no name any more.
    #[error("name the directory that this process was started in")]
    DirectoryUnknown {
        /// What the system said.
        source: io::Error,
    },

    /// The system would not tell what the file is.
    #[error("look at the program `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
