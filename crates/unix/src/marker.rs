//! `Marker`: how a process that was spawned finds its end of the channel.
//!
//! Owns the environment variable and the proof that a descriptor is the one that it names. Refuses
//! to speak on the channel, and to guess: a descriptor is adopted only if all of it fits.

#![expect(
    unsafe_code,
    reason = "an inherited descriptor is known by nothing but its number"
)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use thiserror::Error;

use crate::environment::take_variable;

/// The environment variable that holds a [`Marker`].
pub const CHANNEL_VARIABLE: &str = "REKINDLE_CHANNEL";

/// The longest value that is looked at: two numbers and what parts them need less.
const VALUE_LIMIT_BYTES: usize = 64;

/// The first descriptor behind the standard streams.
const FIRST_DESCRIPTOR: RawFd = 3;

/// Which descriptor is the channel: its number, and the inode of its socket.
///
/// The number alone would not do. A grandchild that inherits the variable through some program
/// which knows nothing of it has another descriptor under the number, or none. The inode of a
/// socket is nobody else's while the socket lives.
///
/// In the environment it reads `<descriptor>:<inode>`, both decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    descriptor: RawFd,
    inode: u64,
}

impl Marker {
    /// The marker of the socket `descriptor`, for a child that inherits it under the same number.
    ///
    /// # Errors
    ///
    /// `ENOTSOCK` if it is no socket, `EINVAL` if it has the number of a standard stream, and
    /// those of fstat(2).
    pub fn for_descriptor(descriptor: BorrowedFd<'_>) -> io::Result<Marker> {
        let stat = fstat(descriptor)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            return Err(Errno::NOTSOCK.into());
        }
        if descriptor.as_raw_fd() < FIRST_DESCRIPTOR {
            return Err(Errno::INVAL.into());
        }
        Ok(Marker {
            descriptor: descriptor.as_raw_fd(),
            inode: stat.st_ino,
        })
    }

    /// The value of [`CHANNEL_VARIABLE`].
    #[must_use]
    pub fn to_value(self) -> OsString {
        format!("{}:{}", self.descriptor, self.inode).into()
    }

    /// Reads a value of [`CHANNEL_VARIABLE`]. It accepts what [`Marker::to_value`] gives and
    /// nothing else.
    ///
    /// # Errors
    ///
    /// [`MarkerError::Malformed`].
    pub fn parse(value: &OsStr) -> Result<Marker, MarkerError> {
        let malformed = || MarkerError::Malformed {
            value: shown(value),
        };
        let text = value
            .to_str()
            .filter(|text| text.len() <= VALUE_LIMIT_BYTES);
        let (descriptor, inode) = text.and_then(|t| t.split_once(':')).ok_or_else(malformed)?;
        let descriptor = descriptor.parse().map_err(|_| malformed())?;
        let inode = inode.parse().map_err(|_| malformed())?;
        let marker = Marker { descriptor, inode };
        // There is one way to write a number: no `+`, no leading zero.
        if descriptor < FIRST_DESCRIPTOR || marker.to_value() != value {
            return Err(malformed());
        }
        Ok(marker)
    }

    /// Takes the channel that the environment tells of: removes the variable, and adopts the
    /// descriptor, which is close-on-exec from then on. `None` if there is no variable.
    ///
    /// To be called before the process starts threads, as [`take_variable`] must be.
    ///
    /// # Errors
    ///
    /// [`MarkerError`]. The variable is removed all the same, and no descriptor is touched: the
    /// caller may go on as if the process had been started for the first time.
    pub fn take() -> Result<Option<OwnedFd>, MarkerError> {
        let Some(value) = take_variable(CHANNEL_VARIABLE) else {
            return Ok(None);
        };
        Marker::parse(&value)?.adopt().map(Some)
    }

    fn adopt(self) -> Result<OwnedFd, MarkerError> {
        self.verify()?;
        // SAFETY: The descriptor is open, and it is the very socket that whoever wrote the marker
        // made for this process. The variable is gone, so that nobody adopts it a second time,
        // and nothing else in this process knows of the socket.
        let descriptor = unsafe { OwnedFd::from_raw_fd(self.descriptor) };
        match fcntl_setfd(&descriptor, FdFlags::CLOEXEC) {
            Ok(()) => Ok(descriptor),
            Err(error) => Err(MarkerError::Unreadable {
                descriptor: self.descriptor,
                source: error.into(),
            }),
        }
    }

    fn verify(self) -> Result<(), MarkerError> {
        let Marker { descriptor, inode } = self;
        // SAFETY: The number is not -1. If it is not open, the kernel says so; if it belongs to
        // somebody else, one look at its kind and inode does no harm.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let stat = match fstat(borrowed) {
            Ok(stat) => stat,
            Err(Errno::BADF) => return Err(MarkerError::NotOpen { descriptor }),
            Err(error) => {
                return Err(MarkerError::Unreadable {
                    descriptor,
                    source: error.into(),
                });
            }
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            return Err(MarkerError::NotASocket { descriptor });
        }
        if stat.st_ino != inode {
            return Err(MarkerError::OtherSocket {
                descriptor,
                expected: inode,
                found: stat.st_ino,
            });
        }
        Ok(())
    }
}

/// The start of a value, no longer than an error should be.
fn shown(value: &OsStr) -> String {
    value
        .to_string_lossy()
        .chars()
        .take(VALUE_LIMIT_BYTES)
        .collect()
}

/// Why a marker in the environment was not believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The value is not a marker.
    #[error("read `{CHANNEL_VARIABLE}`: `{value}` is not `<descriptor>:<inode>`")]
    Malformed {
        /// The value, or its start.
        value: String,
    },

    /// The marker is stale: it was meant for a process that has the descriptor, and this one,
    /// perhaps a descendant of that, does not.
    #[error(
        "adopt the channel: descriptor {descriptor} is not open, so `{CHANNEL_VARIABLE}` \
        was meant for another process"
    )]
    NotOpen {
        /// The number in the marker.
        descriptor: RawFd,
    },

    /// The marker is stale: this process has something else under the number.
    #[error(
        "adopt the channel: descriptor {descriptor} is not a socket, so `{CHANNEL_VARIABLE}` \
        was meant for another process"
    )]
    NotASocket {
        /// The number in the marker.
        descriptor: RawFd,
    },

    /// The marker is stale: this process has another socket under the number.
    #[error(
        "adopt the channel: descriptor {descriptor} is socket {found} and not {expected}, \
        so `{CHANNEL_VARIABLE}` was meant for another process"
    )]
    OtherSocket {
        /// The number in the marker.
        descriptor: RawFd,
        /// The inode in the marker.
        expected: u64,
        /// The inode that was found.
        found: u64,
    },

    /// The system would not tell what the descriptor is.
    #[error("look at descriptor {descriptor}, which `{CHANNEL_VARIABLE}` names")]
    Unreadable {
        /// The number in the marker.
        descriptor: RawFd,
        /// What the system said.
        source: io::Error,
    },
}

impl MarkerError {
    /// Whether the marker was meant for another process, so that this one was in truth started for
    /// the first time.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        matches!(
            self,
            MarkerError::NotOpen { .. }
                | MarkerError::NotASocket { .. }
                | MarkerError::OtherSocket { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixStream;

    fn parse(value: &str) -> Result<Marker, MarkerError> {
        Marker::parse(OsStr::new(value))
    }

    #[test]
    fn a_socket_has_a_marker_that_leads_back_to_it() {
        let (end, _other) = UnixStream::pair().unwrap();
        let marker = Marker::for_descriptor(end.as_fd()).unwrap();
        assert_eq!(Marker::parse(&marker.to_value()).unwrap(), marker);
        marker.verify().unwrap();
    }

    #[test]
    fn what_is_no_socket_has_no_marker() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let error = Marker::for_descriptor(reader.as_fd()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
    }

    #[test]
    fn a_marker_of_another_socket_is_stale() {
        let (end, other) = UnixStream::pair().unwrap();
        let marker = Marker::for_descriptor(end.as_fd()).unwrap();
        let swapped = Marker {
            descriptor: other.as_raw_fd(),
            ..marker
        };
        let error = swapped.verify().unwrap_err();
        assert!(matches!(error, MarkerError::OtherSocket { .. }), "{error}");
        assert!(error.is_stale());
    }

    #[test]
    fn a_marker_of_something_that_is_no_socket_is_stale() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let inode = fstat(&reader).unwrap().st_ino;
        let error = Marker {
            descriptor: reader.as_raw_fd(),
            inode,
        }
        .verify()
        .unwrap_err();
        assert!(matches!(error, MarkerError::NotASocket { .. }), "{error}");
        assert!(error.is_stale());
    }

    #[test]
    fn a_marker_of_nothing_is_stale() {
        // No process has that many descriptors: the kernel's own limit is below.
        let error = Marker {
            descriptor: i32::MAX,
            inode: 1,
        }
        .verify()
        .unwrap_err();
        assert!(matches!(error, MarkerError::NotOpen { .. }), "{error}");
        assert!(error.is_stale());
    }

    #[test]
    fn each_other_way_to_write_a_marker_is_refused() {
        for value in [
            "",
            ":",
            "3",
            "3:",
            ":5",
            "3:5:7",
            "2:5",
            "0:5",
            "-1:5",
            "+3:5",
            "03:5",
            "3:05",
            "3:+5",
            " 3:5",
            "3:5 ",
            "3:5\n",
            "3:-5",
            "3;5",
            "0x3:5",
            "2147483648:5",
            "3:18446744073709551616",
            "３:5",
        ] {
            let error = parse(value).unwrap_err();
            assert!(
                matches!(error, MarkerError::Malformed { .. }),
                "{value:?}: {error}"
            );
            assert!(!error.is_stale());
        }
        assert_eq!(
            parse("3:5").unwrap(),
            Marker {
                descriptor: 3,
                inode: 5
            }
        );
        let largest = format!("{}:{}", i32::MAX, u64::MAX);
        assert_eq!(parse(&largest).unwrap().to_value(), largest.as_str());
    }

    #[test]
    fn an_error_shows_no_more_than_the_start_of_a_long_value() {
        let error = parse(&"3".repeat(100_000)).unwrap_err();
        assert!(error.to_string().len() < 200);
    }

    proptest! {
        #[test]
        fn no_value_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let value = OsStr::from_bytes(&bytes);
            if let Ok(marker) = Marker::parse(value) {
                prop_assert_eq!(marker.to_value(), value);
            }
        }

        #[test]
        fn every_marker_survives_its_value(descriptor in 3..=i32::MAX, inode: u64) {
            let marker = Marker { descriptor, inode };
            prop_assert_eq!(Marker::parse(&marker.to_value()).unwrap(), marker);
        }
    }
}
