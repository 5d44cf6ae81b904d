//! Listeners that a service manager passes: the reading of `LISTEN_FDS` and its companions, and
//! the taking of the descriptors that they announce. It refuses to take what was not inherited.
#![expect(unsafe_code, reason = "a descriptor that is announced by number must be adopted")]

mod parse;

pub use parse::{LISTEN_FDS_LIMIT, LISTEN_FDS_START, ListenFds, ListenFdsError, parse};

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::io::{Errno, FdFlags};

use crate::take_variable;

/// The variable of systemd 258 that says which process is meant by its pidfd inode. Nothing is
/// decided by it here; it is removed with the others.
const UNUSED_VARIABLE: &str = "LISTEN_PIDFDID";

/// Takes the descriptors that a service manager passed to this process, with their names, in the
/// order in which they were passed (see `sd_listen_fds_with_names(3)`).
///
/// The environment variables are removed in any case, so a second call finds nothing. Empty if
/// nothing was passed, or to another process than this. Close-on-exec is set on each descriptor.
/// What sort of socket each is, ask [`inspect`](crate::inspect()). A service manager may pass them
/// blocking.
///
/// Call it at the start of the program, before other threads run (see
/// [`take_variable`]).
///
/// # Errors
///
/// [`TakeListenFdsError`]. No descriptor has been taken or changed then, except that those taken
/// before an unforeseen [`Other`](TakeListenFdsError::Other) are closed.
pub fn take() -> Result<Vec<(String, OwnedFd)>, TakeListenFdsError> {
    let listen_fds = take_variable("LISTEN_FDS");
    let listen_pid = take_variable("LISTEN_PID");
    let listen_fdnames = take_variable("LISTEN_FDNAMES");
    drop(take_variable(UNUSED_VARIABLE));
    let announced = parse(
        listen_fds.as_deref(),
        listen_pid.as_deref(),
        listen_fdnames.as_deref(),
        std::process::id(),
    )?;
    adopt(announced)
}

/// Why the descriptors that were announced could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeListenFdsError {
    /// The variables are malformed.
    #[error(transparent)]
    Variables(#[from] ListenFdsError),
    /// There is no such descriptor.
    #[error("take the passed listener `{name}`: descriptor {descriptor} is not open")]
    NotOpen {
        /// The name that it was announced with.
        name: String,
        /// The number that it was announced with.
        descriptor: RawFd,
    },
    /// The descriptor was opened by this process itself, so it is not what was announced.
    #[error(
        "take the passed listener `{name}`: descriptor {descriptor} is close-on-exec, so this \
         process opened it itself and did not inherit it"
    )]
    NotInherited {
        /// The name that it was announced with.
        name: String,
        /// The number that it was announced with.
        descriptor: RawFd,
    },
    /// The system refuses for a reason of its own.
    #[error("take the passed listener `{name}` at descriptor {descriptor}")]
    Other {
        /// The name that it was announced with.
        name: String,
        /// The number that it was announced with.
        descriptor: RawFd,
        /// What the system says.
        source: io::Error,
    },
}

/// All are checked before the first is taken, so that an error leaves everything as it was.
fn adopt(announced: Option<ListenFds>) -> Result<Vec<(String, OwnedFd)>, TakeListenFdsError> {
    let Some(announced) = announced else {
        return Ok(Vec::new());
    };
    for (descriptor, name) in announced.iter() {
        check_inherited(descriptor, name)?;
    }
    announced.iter().map(|(descriptor, name)| adopt_one(descriptor, name)).collect()
}

/// What came through an `execve` cannot be close-on-exec, and what Rust code opens always is. So
/// the flag tells an inherited descriptor from one that merely has its number.
fn check_inherited(descriptor: RawFd, name: &str) -> Result<(), TakeListenFdsError> {
    let name = || name.to_owned();
    // SAFETY: `F_GETFD` takes any number and changes nothing, neither here nor behind it.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    if flags >= 0 {
        return match flags & libc::FD_CLOEXEC {
            0 => Ok(()),
            _ => Err(TakeListenFdsError::NotInherited { name: name(), descriptor }),
        };
    }
    let source = io::Error::last_os_error();
    match Errno::from_io_error(&source) {
        Some(Errno::BADF) => Err(TakeListenFdsError::NotOpen { name: name(), descriptor }),
        _ => Err(TakeListenFdsError::Other { name: name(), descriptor, source }),
    }
}

fn adopt_one(descriptor: RawFd, name: &str) -> Result<(String, OwnedFd), TakeListenFdsError> {
    // SAFETY: `check_inherited` saw it open and inherited. The variables that announce it name
    // this process and are removed, so that nobody is told of it twice; and the close-on-exec flag
    // set below makes any second adoption fail its check.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    match rustix::io::fcntl_setfd(&owned, FdFlags::CLOEXEC) {
        Ok(()) => Ok((name.to_owned(), owned)),
        Err(errno) => Err(TakeListenFdsError::Other {
            name: name.to_owned(),
            descriptor,
            source: errno.into(),
        }),
    }
}
