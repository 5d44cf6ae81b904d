//! `DirectoryLock`: who may change the names in a directory now.
//!
//! Owns a flock(2) on the directory itself, which leaves no lock file behind. Refuses to be relied
//! upon alone: everybody who may read a directory may hold the lock, and it is waited for only a
//! limited time.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// How long the lock is waited for. Its rightful holders have it for some microseconds.
const WAIT_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait between two tries: flock(2) can wait without end or not at all.
const TRY_INTERVAL: Duration = Duration::from_millis(2);

/// The lock of a directory, held until it is dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _directory: OwnedFd,
}

impl DirectoryLock {
    /// Waits for the lock of `directory`, at most [`WAIT_LIMIT`].
    ///
    /// `None` if it did not come, or cannot be had. The caller goes on all the same, since a
    /// stranger who holds the lock of `/run` must not keep a server from starting; what it does
    /// must be safe without the lock but for the narrowest of races.
    pub(crate) fn wait(directory: &Path) -> Option<DirectoryLock> {
        DirectoryLock::wait_at_most(directory, WAIT_LIMIT)
    }

    fn wait_at_most(directory: &Path, limit: Duration) -> Option<DirectoryLock> {
        let deadline = Instant::now() + limit;
        let directory = OwnedFd::from(File::open(directory).ok()?);
        while flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(TRY_INTERVAL);
        }
        Some(DirectoryLock {
            _directory: directory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tempfile::TempDir;

    #[test]
    fn one_at_a_time_holds_it() {
        let home = TempDir::new().unwrap();
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let limit = Duration::from_secs(60);
                        let lock = DirectoryLock::wait_at_most(home.path(), limit).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }

    #[test]
    fn a_lock_that_does_not_come_is_not_waited_for_without_end() {
        let home = TempDir::new().unwrap();
        let held = DirectoryLock::wait(home.path()).unwrap();
        assert!(DirectoryLock::wait_at_most(home.path(), Duration::from_millis(20)).is_none());
        drop(held);
        assert!(DirectoryLock::wait(home.path()).is_some());
    }

    #[test]
    fn a_directory_that_is_not_there_has_no_lock() {
        assert!(DirectoryLock::wait(Path::new("/nowhere/at/all")).is_none());
    }
}
