//! `PidFile`: which process is the service, for people and scripts, and at most one of them.
//!
//! Owns the file over the life of a service: first start, upgrade, roll back, end. Refuses to
//! signal anybody, and to judge by a pid alone whether its owner lives.
//!
//! The path always leads to a whole file that its writer has locked, or to none:
//!
//! ```text
//!  acquire ──► 41 locked          first start: refused if somebody holds the lock
//!                 │ take_over     by the successor, at commit: the name moves at once
//!                 ▼
//!              42 locked          41 keeps its own, nameless file, and does not remove 42's
//!                 │ write_again   by 41, if 42 dies in probation
//!                 ▼
//!              41 locked ──► remove
//! ```
//!
//! Each writing makes a new file and gives it the name, so the lock is never handed over, and a
//! reader never sees half a number. A process that dies lets go of its lock: its file is stale.

use std::fs::{File, remove_file};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};

use rustix::fs::OFlags;

use crate::directory_lock::DirectoryLock;
use crate::locked_file::{Draft, LockedFile, is_at, try_lock};
use crate::pid_file_content::{open, read_error, read_pid, refuse_other_kinds};
use crate::pid_file_error::PidFileError;

/// How often a file that changes while it is looked at is looked at again.
const ATTEMPT_LIMIT: usize = 32;

/// The pid file of this process, locked. Dropped, it is removed, if the path still leads to it.
///
/// **What counts as running** is the lock alone. A file that nobody has locked is stale, whichever
/// pid it names: after a restart of the machine that pid may be anybody's, and a server that
/// refuses to start for a stranger's sake is worse than one that replaces the file of a program
/// that does not lock. If such a program does run, its listeners refuse a second instance.
///
/// **Symbolic links** at the end of the path are refused, as is everything that is not a regular
/// file: in a directory where others may write, a link would choose for us which file to replace.
/// Links in the directory part are followed.
///
/// The path is made absolute at once, so that a later `chdir` does not matter.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    /// `None` once there is nothing left to remove.
    file: Option<LockedFile>,
}

impl PidFile {
    /// Takes the pid file for a first start. Of any number that try at once, one succeeds.
    ///
    /// May wait up to a second for others that are at the same directory.
    ///
    /// # Errors
    ///
    /// [`PidFileError::Running`] if another instance holds it, and the other variants.
    pub fn acquire(path: impl AsRef<Path>) -> Result<PidFile, PidFileError> {
        let path = absolute_path(path.as_ref())?;
        let _turn = wait_for_turn(&path);
        for _ in 0..ATTEMPT_LIMIT {
            if let Some(file) = try_acquire(&path)? {
                return Ok(PidFile { path, file: Some(file) });
            }
        }
        Err(PidFileError::Contended { path })
    }

    /// Takes the pid file over from a predecessor that still holds it, which is for a successor to
    /// do when it is committed. The predecessor's lock is not asked for.
    ///
    /// # Errors
    ///
    /// [`PidFileError`], but never `Running`. The predecessor's file is as it was.
    pub fn take_over(path: impl AsRef<Path>) -> Result<PidFile, PidFileError> {
        let path = absolute_path(path.as_ref())?;
        let file = replace(&path)?;
        Ok(PidFile { path, file: Some(file) })
    }

    /// Writes it anew with this process's pid, whoever has it now: for an old process that resumes
    /// after its successor took over and died.
    ///
    /// # Errors
    ///
    /// [`PidFileError`], but never `Running`. The file at the path is as it was.
    pub fn write_again(&mut self) -> Result<(), PidFileError> {
        self.file = Some(replace(&self.path)?);
        Ok(())
    }

    /// Whether the path leads to the file of this process, and not to a successor's or to none.
    ///
    /// # Errors
    ///
    /// [`PidFileError::Read`].
    pub fn is_ours(&self) -> Result<bool, PidFileError> {
        match &self.file {
            Some(file) => file.is_at(&self.path).map_err(|source| read_error(&self.path, source)),
            None => Ok(false),
        }
    }

    /// Where it is: an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it if the path still leads to it; a successor's file is left alone.
    ///
    /// # Errors
    ///
    /// [`PidFileError::Remove`]. The lock is given up all the same.
    pub fn remove(mut self) -> Result<(), PidFileError> {
        self.remove_if_ours()
    }

    /// Leaves the file at its path and only lets go of the lock: for an old process whose successor
    /// is committed but may not have taken the file over yet, so that there is one at each moment.
    pub fn leave(mut self) {
        self.file = None;
    }

    /// The pid in the file `path`. That it is well formed does not mean that it runs.
    ///
    /// Reads the files of other programs too: blanks around the number are allowed, and the path
    /// may be a symbolic link.
    ///
    /// # Errors
    ///
    /// [`PidFileError::NotFound`], [`PidFileError::Malformed`], [`PidFileError::NotAFile`] and
    /// [`PidFileError::Read`].
    pub fn read(path: impl AsRef<Path>) -> Result<u32, PidFileError> {
        let path = path.as_ref();
        let file = open(path, OFlags::empty())?
            .ok_or_else(|| PidFileError::NotFound { path: path.to_owned() })?;
        let pid = read_pid(&file).map_err(|source| read_error(path, source))?;
        pid.ok_or_else(|| PidFileError::Malformed { path: path.to_owned() })
    }

    fn remove_if_ours(&mut self) -> Result<(), PidFileError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        // Between the look and the removal a successor may take over. It waits for its turn too.
        let _turn = wait_for_turn(&self.path);
        let removed = match file.is_at(&self.path) {
            Ok(true) => remove_file(&self.path),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        removed.map_err(|source| PidFileError::Remove { path: self.path.clone(), source })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // There is nobody left to tell. What stays is stale, and recognised as such.
        let _ = self.remove_if_ours();
    }
}

/// One attempt at a first start's file; `None` if what was there changed meanwhile.
///
/// It is right even without the lock of the directory: a free name is taken by a step that fails
/// if it is taken already, and a stale file is replaced only under its own lock.
fn try_acquire(path: &Path) -> Result<Option<LockedFile>, PidFileError> {
    match open(path, OFlags::NOFOLLOW)? {
        None => publish_new(path),
        Some(found) => try_replace_stale(found, path),
    }
}

/// Goes by the lock of `found`, provided that it is still the file at `path` once its lock is
/// had or refused: another may have replaced it between the opening and that.
fn try_replace_stale(found: File, path: &Path) -> Result<Option<LockedFile>, PidFileError> {
    let read_error = |source| read_error(path, source);
    match try_lock(found).map_err(read_error)? {
        Ok(stale) => match stale.is_at(path).map_err(read_error)? {
            true => publish_over(path).map(Some),
            false => Ok(None),
        },
        Err(held) => {
            let pid = read_pid(&held).map_err(read_error)?;
            match is_at(&held, path).map_err(read_error)? {
                true => Err(PidFileError::Running { path: path.to_owned(), pid }),
                false => Ok(None),
            }
        }
    }
}

/// Replaces whatever regular file is at `path`, or is not.
fn replace(path: &Path) -> Result<LockedFile, PidFileError> {
    let _turn = wait_for_turn(path);
    refuse_other_kinds(path.symlink_metadata(), path)?;
    publish_over(path)
}

fn publish_new(path: &Path) -> Result<Option<LockedFile>, PidFileError> {
    match draft(path)?.publish_new(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(source) => Err(PidFileError::Write { path: path.to_owned(), source }),
    }
}

fn publish_over(path: &Path) -> Result<LockedFile, PidFileError> {
    let published = draft(path)?.publish_over(path);
    published.map_err(|source| PidFileError::Write { path: path.to_owned(), source })
}

fn draft(path: &Path) -> Result<Draft, PidFileError> {
    let content = format!("{}\n", std::process::id());
    Draft::write(path, content.as_bytes()).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::NotFound => PidFileError::DirectoryMissing { path, source },
            _ => PidFileError::Write { path, source },
        }
    })
}

fn absolute_path(path: &Path) -> Result<PathBuf, PidFileError> {
    absolute(path).map_err(|source| read_error(path, source))
}

fn wait_for_turn(path: &Path) -> Option<DirectoryLock> {
    path.parent().and_then(DirectoryLock::wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::Barrier;
    use std::thread;
    use tempfile::TempDir;

    /// What `PidFile::acquire` does for a starter that never gets the lock of the directory.
    fn acquire_without_turn(path: &Path) -> Option<LockedFile> {
        loop {
            match try_acquire(path) {
                Ok(Some(file)) => return Some(file),
                Ok(None) => {}
                Err(PidFileError::Running { .. }) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn a_stale_file_that_another_starter_replaced_meanwhile_counts_no_more() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("server.pid");
        fs::write(&path, "4194304\n").unwrap();
        let found = File::open(&path).unwrap();
        let winner = PidFile::acquire(&path).unwrap();
        assert!(try_replace_stale(found, &path).unwrap().is_none());
        assert!(winner.is_ours().unwrap());
    }

    #[test]
    fn a_held_file_that_its_owner_replaced_meanwhile_counts_no_more() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("server.pid");
        let old = PidFile::acquire(&path).unwrap();
        let found = File::open(&path).unwrap();
        let new = PidFile::take_over(&path).unwrap();
        new.leave();
        assert!(try_replace_stale(found, &path).unwrap().is_none(), "the new file is stale");
        drop(old);
        assert!(try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn even_without_the_lock_of_the_directory_exactly_one_wins() {
        const STARTERS: usize = 4;
        for round in 0..400 {
            let home = TempDir::new().unwrap();
            let path = home.path().join("server.pid");
            if round % 2 == 0 {
                fs::write(&path, "4194304\n").unwrap();
            }
            let start = Barrier::new(STARTERS);
            let winners: Vec<_> = thread::scope(|scope| {
                let start = || {
                    start.wait();
                    acquire_without_turn(&path)
                };
                let starters = [(); STARTERS].map(|()| scope.spawn(start));
                starters.into_iter().filter_map(|starter| starter.join().unwrap()).collect()
            });
            assert_eq!(winners.len(), 1);
            assert!(winners[0].is_at(&path).unwrap());
        }
    }
}
