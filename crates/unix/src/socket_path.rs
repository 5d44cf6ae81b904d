//! `SocketPath`: a Unix socket's path that is to be unlinked in the end, if it still is the same
//! file. It refuses to do so by itself: after a commit the path is the successor's.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::Identity;
use crate::directory_lock::{DirectoryLock, LOCK_WAIT_MS, LockFault};

/// A path and the identity of the socket file that stood there when it was claimed.
///
/// It is **not** removed when dropped. A path has one owner at a time, and who that is changes at
/// a commit; only the last generation calls [`remove`](Self::remove).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath {
    path: PathBuf,
    identity: Identity,
}

impl SocketPath {
    /// Takes note of the socket file at `path`: call it after binding, and after inheriting.
    ///
    /// A relative path is made absolute, so that a later change of directory does not matter.
    ///
    /// # Errors
    ///
    /// As `statx(2)`: above all [`io::ErrorKind::NotFound`].
    pub fn claim(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let identity = Identity::of_path(&path)?;
        Ok(Self { path, identity })
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that stood there when it was claimed.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Removes the path if it still is the claimed file; says whether it did.
    ///
    /// # Errors
    ///
    /// As [`unlink_if_same`].
    pub fn remove(&self) -> Result<bool, UnlinkError> {
        unlink_if_same(&self.path, &self.identity)
    }
}

/// Removes `path` if it still is the file with this identity; says whether it did.
///
/// False means that there was nothing to do: the path is gone, or somebody else's by now.
/// The path's directory is locked meanwhile, as it is while a socket is bound, so that no
/// starter can replace the file between the comparison and the removal.
///
/// # Errors
///
/// [`UnlinkError::Busy`] if the lock was not had in time, [`UnlinkError::Other`] if the system
/// refuses.
pub fn unlink_if_same(path: &Path, identity: &Identity) -> Result<bool, UnlinkError> {
    let other = |source: io::Error| UnlinkError::Other { path: path.into(), source };
    let _lock = match DirectoryLock::acquire_for(path) {
        Ok(lock) => lock,
        Err(LockFault::Missing(_)) => return Ok(false),
        Err(LockFault::Busy) => return Err(UnlinkError::Busy { path: path.into() }),
        Err(LockFault::Other(source)) => return Err(other(source)),
    };
    match Identity::of_path(path) {
        Ok(found) if found == *identity => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(other(source)),
    }
    match rustix::fs::unlink(path) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(other(errno.into())),
    }
}

/// Why a socket path could not be removed. It is left as it is; the next start replaces it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlinkError {
    /// Somebody else has locked the directory for too long.
    #[error(
        "remove the socket `{}`: its directory is locked by another process (`lslocks` names it) \
         since {LOCK_WAIT_MS} ms; the path stays, and the next start replaces it",
        .path.display()
    )]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error(
        "remove the socket `{}`: the path stays, and the next start replaces it",
        .path.display()
    )]
    Other {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_claimed_path_is_removed_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let claimed = SocketPath::claim(&path).unwrap();
        assert_eq!(claimed.path(), path);
        assert_eq!(*claimed.identity(), Identity::of_path(&path).unwrap());
        assert!(claimed.remove().unwrap());
        assert!(!path.exists());
        assert!(!claimed.remove().unwrap());
    }

    #[test]
    fn dropping_a_claim_leaves_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        drop(SocketPath::claim(&path).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn a_path_that_became_anothers_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let aside = directory.path().join("aside.sock");
        let _first = UnixListener::bind(&path).unwrap();
        let claimed = SocketPath::claim(&path).unwrap();
        // Kept elsewhere, so that its inode number is not free for the next.
        std::fs::rename(&path, &aside).unwrap();
        let _second = UnixListener::bind(&path).unwrap();
        assert!(!claimed.remove().unwrap());
        assert!(path.exists());
    }

    #[test]
    fn a_path_whose_directory_is_gone_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let claimed = SocketPath::claim(&path).unwrap();
        directory.close().unwrap();
        assert!(!claimed.remove().unwrap());
    }

    #[test]
    fn a_removal_waits_for_a_starter_that_has_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let claimed = SocketPath::claim(&path).unwrap();
        let lock = DirectoryLock::acquire_for(&path).unwrap();
        std::thread::scope(|scope| {
            let removal = scope.spawn(|| claimed.remove());
            // The starter replaces the path before it lets go: the removal must see the new file.
            std::fs::rename(&path, directory.path().join("aside.sock")).unwrap();
            let _replacement = UnixListener::bind(&path).unwrap();
            drop(lock);
            assert!(!removal.join().unwrap().unwrap());
            assert!(path.exists());
        });
    }

    #[test]
    fn nothing_can_be_claimed_where_nothing_is() {
        let directory = tempfile::tempdir().unwrap();
        let error = SocketPath::claim(&directory.path().join("x.sock")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn errors_say_what_happens_next() {
        let error = UnlinkError::Busy { path: "/run/x.sock".into() }.to_string();
        assert!(error.starts_with("remove the socket `/run/x.sock`: "), "{error}");
        assert!(error.contains("the next start replaces it"), "{error}");
    }
}
