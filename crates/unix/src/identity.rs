//! `Identity`: whether two names or descriptors mean the same file or the same open socket. It
//! refuses to compare by path: a path can come to mean another file at any time.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Statx, StatxFlags};
use rustix::io::Errno;

/// Which file this is, for as long as the machine runs.
///
/// Device and inode number alone do not suffice: many file systems give the number of a removed
/// file to the next one that is made, and a path is removed and bound again within milliseconds
/// here. So the time of birth is compared too where the file system keeps one (see `statx(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
    born: Option<(i64, u32)>,
}

impl Identity {
    /// The identity of what stands at `path`; a symbolic link stands for itself.
    ///
    /// # Errors
    ///
    /// As `statx(2)`: above all [`io::ErrorKind::NotFound`].
    pub fn of_path(path: &Path) -> io::Result<Self> {
        Ok(Metadata::of_path(path)?.identity)
    }

    /// The identity of the open file or socket behind a descriptor: two descriptors of one socket
    /// have the same, wherever they were duplicated or passed to.
    ///
    /// # Errors
    ///
    /// As `statx(2)`.
    pub fn of_descriptor(descriptor: impl AsFd) -> io::Result<Self> {
        Ok(Metadata::of_descriptor(descriptor)?.identity)
    }

    /// The device number (`st_dev`).
    #[must_use]
    pub const fn device(&self) -> u64 {
        self.device
    }

    /// The inode number (`st_ino`): for a socket the number in `/proc/PID/fd` (`socket:[…]`).
    #[must_use]
    pub const fn inode(&self) -> u64 {
        self.inode
    }
}

/// What one look at a file says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metadata {
    pub(crate) identity: Identity,
    pub(crate) file_type: rustix::fs::FileType,
    /// The permission bits alone.
    pub(crate) permissions: rustix::fs::Mode,
}

impl Metadata {
    pub(crate) fn of_path(path: &Path) -> io::Result<Self> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match rustix::fs::statx(CWD, path, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME) {
            Ok(status) => Ok(Self::from(status)),
            Err(Errno::NOSYS) => Ok(Self::from(rustix::fs::lstat(path)?)),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(crate) fn of_descriptor(descriptor: impl AsFd) -> io::Result<Self> {
        let flags = AtFlags::EMPTY_PATH;
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        match rustix::fs::statx(&descriptor, "", flags, mask) {
            Ok(status) => Ok(Self::from(status)),
            Err(Errno::NOSYS) => Ok(Self::from(rustix::fs::fstat(descriptor)?)),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(crate) fn is_socket(&self) -> bool {
        self.file_type == rustix::fs::FileType::Socket
    }
}

impl From<Statx> for Metadata {
    fn from(status: Statx) -> Self {
        let dated = status.stx_mask & StatxFlags::BTIME.bits() != 0;
        let mode = u32::from(status.stx_mode);
        Self {
            identity: Identity {
                device: rustix::fs::makedev(status.stx_dev_major, status.stx_dev_minor),
                inode: status.stx_ino,
                born: dated.then_some((status.stx_btime.tv_sec, status.stx_btime.tv_nsec)),
            },
            file_type: rustix::fs::FileType::from_raw_mode(mode),
            permissions: rustix::fs::Mode::from_raw_mode(mode),
        }
    }
}

impl From<rustix::fs::Stat> for Metadata {
    /// For sandboxes that do not let `statx` through: all looks then go this way, so that no
    /// identity with a time of birth is compared with one without.
    fn from(status: rustix::fs::Stat) -> Self {
        Self {
            identity: Identity { device: status.st_dev, inode: status.st_ino, born: None },
            file_type: rustix::fs::FileType::from_raw_mode(status.st_mode),
            permissions: rustix::fs::Mode::from_raw_mode(status.st_mode),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_duplicate_is_the_same_socket_and_another_is_not() {
        let (one, other) = rustix::net::socketpair(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        let duplicate = one.try_clone().unwrap();
        let identity = Identity::of_descriptor(&one).unwrap();
        assert_eq!(Identity::of_descriptor(&duplicate).unwrap(), identity);
        assert_ne!(Identity::of_descriptor(&other).unwrap(), identity);
        let link = std::fs::read_link(format!("/proc/self/fd/{}", raw(&one))).unwrap();
        assert_eq!(link.to_str().unwrap(), format!("socket:[{}]", identity.inode()));
    }

    fn raw(descriptor: &std::os::fd::OwnedFd) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(descriptor)
    }

    #[test]
    fn a_path_bound_again_is_another_file_even_if_its_number_returns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        drop(UnixListener::bind(&path).unwrap());
        let first = Identity::of_path(&path).unwrap();
        assert_eq!(Identity::of_path(&path).unwrap(), first);
        assert_eq!(
            std::os::unix::fs::MetadataExt::ino(&std::fs::symlink_metadata(&path).unwrap()),
            first.inode()
        );
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Identity::of_path(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        // The clock of the file system ticks every few milliseconds: bind until it has.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            drop(UnixListener::bind(&path).unwrap());
            let again = Identity::of_path(&path).unwrap();
            if again != first {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "the file never became another one");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_symbolic_link_stands_for_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let link = directory.path().join("link");
        let _listener = UnixListener::bind(&path).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Metadata::of_path(&path).unwrap().is_socket());
        assert!(!Metadata::of_path(&link).unwrap().is_socket());
        assert_ne!(Identity::of_path(&link).unwrap(), Identity::of_path(&path).unwrap());
    }

    #[test]
    fn both_ways_of_looking_see_the_same() {
        let file = tempfile::tempfile().unwrap();
        let new = Metadata::of_descriptor(&file).unwrap();
        let old = Metadata::from(rustix::fs::fstat(&file).unwrap());
        assert_eq!(new.identity.device(), old.identity.device());
        assert_eq!(new.identity.inode(), old.identity.inode());
        assert_eq!(new.file_type, old.file_type);
        assert_eq!(new.permissions, old.permissions);
    }
}
