//! `MemoryFile`: bytes that another process reads from a descriptor, sealed so that nobody can
//! change them (`memfd_create(2)`). It refuses to be read unless it is sealed: whoever could
//! shorten it could kill its reader, and whoever could write could change what was checked.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::{Errno, pread, write};

/// The seals that make a file one that can be trusted: its length and content are final.
const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE).union(SealFlags::SEAL);

/// The longest name that the kernel takes.
const NAME_LIMIT_BYTES: usize = 249;

/// A sealed memory file.
///
/// ```
/// use rekindle_unix::MemoryFile;
///
/// let file = MemoryFile::new("ticket keys", b"secret")?;
/// assert_eq!(file.read(1024)?, b"secret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryFile(OwnedFd);

impl MemoryFile {
    /// A memory file with this content. The name is for whoever looks into `/proc`; what is over
    /// 249 bytes of it is left out.
    ///
    /// # Errors
    ///
    /// As `memfd_create(2)`, `write(2)` and `fcntl(2)`: above all if there is no memory, or no
    /// descriptor.
    pub fn new(name: &str, content: &[u8]) -> io::Result<Self> {
        let file = create(name)?;
        let mut rest = content;
        while !rest.is_empty() {
            match write(&file, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        fcntl_add_seals(&file, SEALS)?;
        Ok(Self(file))
    }

    /// Takes a descriptor that was received, if it is a sealed memory file. Otherwise it is closed.
    ///
    /// # Errors
    ///
    /// [`MemoryFileError::NotSealed`] if it is anything else.
    pub fn from_owned(descriptor: OwnedFd) -> Result<Self, MemoryFileError> {
        match fcntl_get_seals(&descriptor) {
            Ok(seals) if seals.contains(SEALS) => Ok(Self(descriptor)),
            // Only memory files have seals.
            Ok(_) | Err(Errno::INVAL) => Err(MemoryFileError::NotSealed),
            Err(errno) => Err(MemoryFileError::Other { source: errno.into() }),
        }
    }

    /// The content, if it is no longer than `limit_bytes`. Where the descriptor stands in the file
    /// does not matter: that is shared with whoever sent it.
    ///
    /// # Errors
    ///
    /// [`MemoryFileError`].
    pub fn read(&self, limit_bytes: usize) -> Result<Vec<u8>, MemoryFileError> {
        let failed = |errno: Errno| MemoryFileError::Other { source: errno.into() };
        let length = fstat(&self.0).map_err(failed)?.st_size;
        let length_bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if length_bytes > limit_bytes {
            return Err(MemoryFileError::TooLong { length_bytes, limit_bytes });
        }
        let mut content = vec![0; length_bytes];
        let mut filled = 0;
        while filled < length_bytes {
            let offset = u64::try_from(filled).unwrap_or(u64::MAX);
            match pread(&self.0, content.get_mut(filled..).unwrap_or_default(), offset) {
                Ok(0) => return Err(failed(Errno::IO)),
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(content)
    }
}

/// Older kernels do not know that a memory file need not be executable, and newer ones can be told
/// to insist on it.
fn create(name: &str) -> Result<OwnedFd, Errno> {
    let name = name.as_bytes();
    let name = name.get(..NAME_LIMIT_BYTES).unwrap_or(name);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        created => created,
    }
}

impl AsFd for MemoryFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<MemoryFile> for OwnedFd {
    fn from(file: MemoryFile) -> Self {
        file.0
    }
}

/// Why a descriptor cannot be read as a memory file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryFileError {
    /// It is no memory file, or one that its owner could still change.
    #[error("read a memory file: the descriptor is none that is sealed")]
    NotSealed,
    /// It is longer than it may be.
    #[error("read a memory file of {length_bytes} bytes: {limit_bytes} are the most")]
    TooLong {
        /// How long it is.
        length_bytes: usize,
        /// How long it may be.
        limit_bytes: usize,
    },
    /// The system refuses for a reason of its own.
    #[error("read a memory file")]
    Other {
        /// What the system says.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_by_whoever_has_the_descriptor() {
        let content = vec![7; 100_000];
        let file = MemoryFile::new("memory", &content).unwrap();
        let received = MemoryFile::from_owned(file.as_fd().try_clone_to_owned().unwrap()).unwrap();
        drop(file);
        assert_eq!(received.read(content.len()).unwrap(), content);
        assert_eq!(received.read(content.len()).unwrap(), content, "it stands nowhere");
        assert_eq!(MemoryFile::new("nothing", b"").unwrap().read(0).unwrap(), b"");
    }

    #[test]
    fn nobody_can_change_one() {
        let file = MemoryFile::new("memory", b"final").unwrap();
        assert_eq!(write(&file, b"more"), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&file, 1), Err(Errno::PERM));
        assert_eq!(fcntl_add_seals(&file, SealFlags::FUTURE_WRITE), Err(Errno::PERM));
        assert_eq!(file.read(5).unwrap(), b"final");
    }

    #[test]
    fn one_that_is_too_long_is_not_read() {
        let error = MemoryFile::new("memory", b"12345").unwrap().read(4).unwrap_err();
        assert!(matches!(error, MemoryFileError::TooLong { length_bytes: 5, limit_bytes: 4 }));
    }

    #[test]
    fn what_its_owner_could_change_is_refused() {
        let open = create("open").unwrap();
        write(&open, b"soft").unwrap();
        fcntl_add_seals(&open, SealFlags::SHRINK).unwrap();
        let refused = [
            open,
            tempfile::tempfile().unwrap().into(),
            std::os::unix::net::UnixStream::pair().unwrap().0.into(),
        ];
        for descriptor in refused {
            let error = MemoryFile::from_owned(descriptor).unwrap_err();
            assert!(matches!(error, MemoryFileError::NotSealed), "{error}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_for_the_kernel_is_cut() {
        for name in ["n".repeat(249), "n".repeat(250), "ü".repeat(125)] {
            MemoryFile::new(&name, b"").unwrap();
        }
    }

    #[test]
    fn a_name_with_a_zero_byte_is_an_error_and_no_panic() {
        assert!(MemoryFile::new("a\0b", b"").is_err());
    }
}
