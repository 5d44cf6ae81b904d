//! `DirectoryLock`: one starter at a time may look at, unlink and bind a Unix socket path. It
//! refuses to leave a lock file behind, and to wait for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// How long a starter waits for another that binds in the same directory.
///
/// The lock is held for a handful of system calls. Whoever holds it longer is no starter: others
/// lock directories too, to keep a tidier off them.
pub(crate) const LOCK_WAIT_MS: u64 = 5_000;

/// How long to pause between two tries. `flock` has no time limit of its own, and a signal to end
/// its wait would be the whole process's.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Why the directory of a socket path could not be locked.
#[derive(Debug)]
pub(crate) enum LockFault {
    Missing(io::Error),
    Busy,
    Other(io::Error),
}

/// An exclusive `flock` on the directory of a socket path (see `flock(2)`).
///
/// The directory itself is locked, so that nothing is left behind in it. The lock is advisory: it
/// orders those who take it, which all starters and removers of this library do.
#[derive(Debug)]
pub(crate) struct DirectoryLock(OwnedFd);

impl DirectoryLock {
    /// Locks the directory in which `path` stands.
    pub(crate) fn acquire_for(path: &Path) -> Result<Self, LockFault> {
        Self::acquire(&directory_of(path), Duration::from_millis(LOCK_WAIT_MS))
    }

    /// Locks `directory` for whoever can do without: none if the lock does not come in time or
    /// cannot be had, since a stranger who holds the lock of `/run` must not keep a server from
    /// starting. What it guards must then be safe but for the narrowest of races.
    pub(crate) fn wait(directory: &Path) -> Option<Self> {
        Self::acquire(directory, Duration::from_secs(1)).ok()
    }

    fn acquire(directory: &Path, wait: Duration) -> Result<Self, LockFault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory =
            rustix::fs::open(directory, flags, Mode::empty()).map_err(|errno| match errno {
                Errno::NOENT | Errno::NOTDIR => LockFault::Missing(errno.into()),
                _ => LockFault::Other(errno.into()),
            })?;
        let deadline = Instant::now() + wait;
        loop {
            match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(directory)),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(Errno::WOULDBLOCK) => return Err(LockFault::Busy),
                Err(errno) => return Err(LockFault::Other(errno.into())),
            }
        }
    }
}

impl Drop for DirectoryLock {
    /// Unlocks by name rather than by closing: a child that another thread has just forked holds
    /// the same open file until it executes its program. Should that fail, closing remains.
    fn drop(&mut self) {
        let _closing_remains = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// The directory in which `path` stands; `.` for a bare name.
pub(crate) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_waits_for_the_first_and_gives_up_in_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let first = DirectoryLock::acquire_for(&path).unwrap();
        let wait = Duration::from_millis(30);
        let begun = Instant::now();
        let refused = DirectoryLock::acquire(directory.path(), wait);
        assert!(matches!(refused, Err(LockFault::Busy)), "{refused:?}");
        assert!(begun.elapsed() >= wait);
        drop(first);
        DirectoryLock::acquire(directory.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn a_duplicate_in_a_forked_child_does_not_keep_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::acquire(directory.path(), Duration::ZERO).unwrap();
        let _as_a_forked_child_has_it = lock.0.try_clone().unwrap();
        drop(lock);
        DirectoryLock::acquire(directory.path(), Duration::ZERO).unwrap();
    }

    #[test]
    fn nothing_is_left_in_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::acquire(directory.path(), Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        drop(lock);
    }

    #[test]
    fn a_missing_directory_and_a_file_in_its_place_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        for directory in [directory.path().join("missing"), file] {
            let fault = DirectoryLock::acquire_for(&directory.join("x.sock"));
            assert!(matches!(fault, Err(LockFault::Missing(_))), "{fault:?}");
        }
    }

    #[test]
    fn every_path_has_a_directory() {
        let table = [("/run/x", "/run"), ("x", "."), ("a/x", "a"), ("/x", "/"), ("/", "/")];
        for (path, directory) in table {
            assert_eq!(directory_of(Path::new(path)), Path::new(directory), "{path}");
        }
    }
}
