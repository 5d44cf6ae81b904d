//! What is at the path of a pid file, and which pid is in it.
//!
//! Owns the distrust: any file may be there, of any size and content. Refuses to write, and to say
//! whether the pid is that of a running process.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::pid_file_error::PidFileError;

/// The longest content that is read: a pid has seven digits at most.
const CONTENT_LIMIT_BYTES: u64 = 32;

/// The kernel's own limit of `pid_max`, see proc_sys_kernel(5).
const PID_LIMIT: u32 = 1 << 22;

/// Opens the regular file `path`, or none. `flags` are added to the usual ones.
pub(crate) fn open(path: &Path, flags: OFlags) -> Result<Option<File>, PidFileError> {
    // Looked at by name first, because to open a device or a pipe may already do something.
    let metadata = match flags.contains(OFlags::NOFOLLOW) {
        true => path.symlink_metadata(),
        false => path.metadata(),
    };
    refuse_other_kinds(metadata, path)?;
    // And should it have become a pipe since, opening it must not wait for a writer.
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    match opened {
        Ok(file) => {
            refuse_other_kinds(file.metadata(), path)?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(read_error(path, source)),
    }
}

/// Lets pass a regular file, and a path where there is nothing.
pub(crate) fn refuse_other_kinds(
    metadata: io::Result<std::fs::Metadata>,
    path: &Path,
) -> Result<(), PidFileError> {
    let kind = match metadata {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(read_error(path, source)),
    };
    let found = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a directory",
        _ if kind.is_symlink() => "a symbolic link",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(PidFileError::NotAFile {
        path: path.to_owned(),
        found,
    })
}

/// The pid in `file`, if there is one and nothing else.
pub(crate) fn read_pid(file: &File) -> io::Result<Option<u32>> {
    let mut content = Vec::new();
    // One byte more than is allowed tells too much from just enough.
    file.take(CONTENT_LIMIT_BYTES + 1)
        .read_to_end(&mut content)?;
    Ok(parse_pid(&content))
}

fn parse_pid(content: &[u8]) -> Option<u32> {
    if content.len() as u64 > CONTENT_LIMIT_BYTES {
        return None;
    }
    let digits = std::str::from_utf8(content).ok()?.trim_ascii();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let pid = digits.parse().ok().filter(|_| is_number)?;
    (1..=PID_LIMIT).contains(&pid).then_some(pid)
}

pub(crate) fn read_error(path: &Path, source: io::Error) -> PidFileError {
    PidFileError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pid_is_one_number_in_range_with_blanks_around() {
        for (content, pid) in [
            ("1\n", 1),
            ("77", 77),
            (" 77 \n\n", 77),
            ("0077\n", 77),
            ("4194304\n", PID_LIMIT),
        ] {
            assert_eq!(parse_pid(content.as_bytes()), Some(pid), "{content:?}");
        }
    }

    #[test]
    fn anything_else_is_no_pid() {
        let long = format!("{}77", " ".repeat(40));
        for content in [
            "",
            "\n",
            "0\n",
            "-1\n",
            "+1\n",
            "4194305\n",
            "99999999999999999999\n",
            "7 7\n",
            "77\n78\n",
            "0x4d\n",
            "77\0",
            "seven",
            "７７",
            &long,
        ] {
            assert_eq!(parse_pid(content.as_bytes()), None, "{content:?}");
        }
        assert_eq!(parse_pid(b"77\xff"), None);
    }

    proptest! {
        #[test]
        fn no_content_does_harm(content in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(pid) = parse_pid(&content) {
                prop_assert!((1..=PID_LIMIT).contains(&pid));
            }
        }

        #[test]
        fn what_is_written_is_read(pid in 1..=PID_LIMIT) {
            prop_assert_eq!(parse_pid(format!("{pid}\n").as_bytes()), Some(pid));
        }
    }
}
