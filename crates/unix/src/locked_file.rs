//! `LockedFile`: a file that is locked and whole from the first moment that it has its name.
//!
//! Owns the order of steps: write under another name, lock, then give the name. Refuses to know
//! what is in the file.

use std::fs::{File, OpenOptions, hard_link, remove_file, rename};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Everybody may read it; the umask may say less.
const MODE: u32 = 0o644;

/// How many hidden names are tried. More than one is needed only if a process of the same pid, in
/// another pid namespace or before a crash, left one there.
const HIDDEN_NAME_LIMIT: u32 = 64;

/// A file with an exclusive flock(2) on it until this value is dropped.
#[derive(Debug)]
pub(crate) struct LockedFile(File);

impl LockedFile {
    /// Whether `path` leads to this very file; see [`is_at`].
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        is_at(&self.0, path)
    }
}

/// Locks `file`, or gives it back if somebody else has the lock.
pub(crate) fn try_lock(file: File) -> io::Result<Result<LockedFile, File>> {
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Ok(LockedFile(file))),
        Err(Errno::WOULDBLOCK) => Ok(Err(file)),
        Err(error) => Err(error.into()),
    }
}

/// Whether `path` leads to this very file, and not to a later one of the same name. As long as the
/// file is open, no other can get its inode.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A locked file with its content, under a hidden name beside the one that it is meant for.
///
/// It is not synced to the disk. After a crash of the machine no process of before is left, so any
/// content is as stale as any other; and without one, all read it through the same kernel.
#[derive(Debug)]
pub(crate) struct Draft {
    file: LockedFile,
    hidden: HiddenName,
}

impl Draft {
    pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<Draft> {
        let (mut file, hidden) = create_hidden(path)?;
        file.write_all(content)?;
        // Nobody else knows the name. If somebody locks whatever appears, this is no place for us.
        let file = try_lock(file)?.map_err(|_| ErrorKind::ResourceBusy)?;
        Ok(Draft { file, hidden })
    }

    /// Gives the file its name if that is free; `AlreadyExists` else.
    ///
    /// By a hard link, since all common file systems have it. A rename that does not replace is
    /// missing on NFS and on older ZFS.
    pub(crate) fn publish_new(self, path: &Path) -> io::Result<LockedFile> {
        let Draft { file, hidden } = self;
        hard_link(&hidden.0, path)?;
        Ok(file)
    }

    /// Gives the file its name, in place of what had it. At each moment the name leads to the one
    /// or to the other.
    pub(crate) fn publish_over(self, path: &Path) -> io::Result<LockedFile> {
        let Draft { file, hidden } = self;
        rename(&hidden.0, path)?;
        hidden.forget();
        Ok(file)
    }
}

/// A name that is removed when this value is dropped.
#[derive(Debug)]
struct HiddenName(PathBuf);

impl HiddenName {
    fn forget(mut self) {
        self.0.clear();
    }
}

impl Drop for HiddenName {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // Whatever led here is the error to tell.
            let _ = remove_file(&self.0);
        }
    }
}

/// Makes a new file in the directory of `path`, so that a rename from one to the other is atomic.
fn create_hidden(path: &Path) -> io::Result<(File, HiddenName)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = path
        .file_name()
        .ok_or(ErrorKind::InvalidInput)?
        .to_string_lossy();
    for _ in 0..HIDDEN_NAME_LIMIT {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let hidden = path.with_file_name(format!(".{name}.{}-{count}", std::process::id()));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&hidden)
        {
            Ok(file) => return Ok((file, HiddenName(hidden))),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn names(home: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(home.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn is_locked(path: &Path) -> bool {
        try_lock(File::open(path).unwrap()).unwrap().is_err()
    }

    #[test]
    fn a_published_file_is_whole_and_locked_until_it_is_dropped() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        let file = Draft::write(&path, b"whole\n")
            .unwrap()
            .publish_new(&path)
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole\n");
        assert_eq!(names(&home), ["x.pid"]);
        assert!(is_locked(&path));
        drop(file);
        assert!(!is_locked(&path));
    }

    #[test]
    fn a_draft_that_is_not_published_leaves_nothing() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        let draft = Draft::write(&path, b"x").unwrap();
        assert_eq!(names(&home).len(), 1);
        assert!(names(&home)[0].starts_with(".x.pid."));
        drop(draft);
        assert_eq!(names(&home), [""; 0]);
    }

    #[test]
    fn a_new_name_is_not_taken_from_another_file() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        fs::write(&path, "theirs").unwrap();
        let error = Draft::write(&path, b"ours")
            .unwrap()
            .publish_new(&path)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(&home), ["x.pid"]);
    }

    #[test]
    fn a_file_that_was_replaced_is_no_longer_at_its_path() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        let first = Draft::write(&path, b"1")
            .unwrap()
            .publish_new(&path)
            .unwrap();
        assert!(first.is_at(&path).unwrap());
        let second = Draft::write(&path, b"2")
            .unwrap()
            .publish_over(&path)
            .unwrap();
        assert!(!first.is_at(&path).unwrap());
        assert!(second.is_at(&path).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(names(&home), ["x.pid"]);
        fs::remove_file(&path).unwrap();
        assert!(!second.is_at(&path).unwrap());
    }

    #[test]
    fn a_replacement_that_fails_leaves_nothing() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        fs::create_dir(&path).unwrap();
        Draft::write(&path, b"1")
            .unwrap()
            .publish_over(&path)
            .unwrap_err();
        assert_eq!(names(&home), ["x.pid"]);
    }

    #[test]
    fn hidden_names_that_are_left_over_are_passed_by() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("x.pid");
        // Whichever numbers this process uses next, some of these are in the way.
        for count in 0..500 {
            let name = format!(".x.pid.{}-{}", std::process::id(), count * 2);
            fs::write(home.path().join(name), "left").unwrap();
        }
        for _ in 0..4 {
            Draft::write(&path, b"1")
                .unwrap()
                .publish_over(&path)
                .unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert_eq!(
            names(&home).len(),
            501,
            "what others left is not ours to remove"
        );
    }
}
