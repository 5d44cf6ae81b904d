//! The reading of `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`, as text. It refuses to look at
//! descriptors or at the environment, so that any text can be tried on it.

use std::ffi::OsStr;
use std::os::fd::RawFd;

/// The number of the first passed descriptor (`SD_LISTEN_FDS_START`).
pub const LISTEN_FDS_START: RawFd = 3;

/// The most descriptors that are taken. systemd's own limit for stored ones is lower by default;
/// a larger number is more likely a mistake than a service.
pub const LISTEN_FDS_LIMIT: usize = 4_096;

/// The longest name of a descriptor, in bytes (see `systemd.socket(5)`, `FileDescriptorName=`).
const FDNAME_LIMIT_BYTES: usize = 255;

/// What a descriptor is called that was passed without a name (see `sd_listen_fds(3)`).
const NAMELESS: &str = "unknown";

/// How much of a malformed value its error shows.
const SHOWN_CHARACTERS: usize = 64;

/// The descriptors that were announced to this process: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenFds {
    names: Vec<String>,
}

impl ListenFds {
    /// The number and the name of each, in the order in which they were passed.
    pub fn iter(&self) -> impl Iterator<Item = (RawFd, &str)> {
        (LISTEN_FDS_START..).zip(self.names.iter().map(String::as_str))
    }
}

/// Reads the three variables as `sd_listen_fds_with_names(3)` does. `None` if nothing was passed
/// to the process `own_pid`:
///
/// - `LISTEN_FDS` is not set, or is `0`;
/// - `LISTEN_PID` is another process: the variables were inherited through a parent that did not
///   remove them, and the descriptors were not;
/// - `LISTEN_PID` is not set: without it nobody can tell whether that happened, so nothing is
///   taken, as systemd's own reader does.
///
/// Names that are empty, and all names if `LISTEN_FDNAMES` is not set, are read as `unknown`.
///
/// # Errors
///
/// [`ListenFdsError`] if the variables are for this process and malformed.
pub fn parse(
    listen_fds: Option<&OsStr>,
    listen_pid: Option<&OsStr>,
    listen_fdnames: Option<&OsStr>,
    own_pid: u32,
) -> Result<Option<ListenFds>, ListenFdsError> {
    let (Some(listen_fds), Some(listen_pid)) = (listen_fds, listen_pid) else {
        return Ok(None);
    };
    let pid = number(listen_pid).ok_or_else(|| ListenFdsError::Pid { shown: shown(listen_pid) })?;
    if pid != own_pid {
        return Ok(None);
    }
    let count = number(listen_fds)
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(|| ListenFdsError::Count { shown: shown(listen_fds) })?;
    if count > LISTEN_FDS_LIMIT {
        return Err(ListenFdsError::TooMany { count });
    }
    if count == 0 {
        return Ok(None);
    }
    let names = match listen_fdnames {
        Some(listen_fdnames) => names(listen_fdnames, count)?,
        None => vec![NAMELESS.to_owned(); count],
    };
    Ok(Some(ListenFds { names }))
}

/// Why the variables could not be read. No descriptor is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenFdsError {
    /// `LISTEN_PID` is no process number.
    #[error("read `LISTEN_PID`: `{}` is not a process number", .shown.escape_debug())]
    Pid {
        /// The beginning of its value.
        shown: String,
    },
    /// `LISTEN_FDS` is no number.
    #[error("read `LISTEN_FDS`: `{}` is not a number of descriptors", .shown.escape_debug())]
    Count {
        /// The beginning of its value.
        shown: String,
    },
    /// `LISTEN_FDS` is more than anybody passes.
    #[error("read `LISTEN_FDS`: {count} descriptors are over the limit of {LISTEN_FDS_LIMIT}")]
    TooMany {
        /// Its value.
        count: usize,
    },
    /// `LISTEN_FDNAMES` has more or fewer names than there are descriptors.
    #[error("read `LISTEN_FDNAMES`: it has {names} names for {descriptors} descriptors")]
    NameCount {
        /// How many names there are.
        names: usize,
        /// How many descriptors there are.
        descriptors: usize,
    },
    /// A name is too long, or holds something else than printable ASCII.
    #[error(
        "read `LISTEN_FDNAMES`: `{}` is not a name of at most {FDNAME_LIMIT_BYTES} printable \
         ASCII characters",
        .shown.escape_debug()
    )]
    Name {
        /// The beginning of the name.
        shown: String,
    },
}

fn names(text: &OsStr, count: usize) -> Result<Vec<String>, ListenFdsError> {
    let parts = || text.as_encoded_bytes().split(|byte| *byte == b':');
    let found = parts().count();
    if found != count {
        return Err(ListenFdsError::NameCount { names: found, descriptors: count });
    }
    parts().map(name).collect()
}

fn name(bytes: &[u8]) -> Result<String, ListenFdsError> {
    let printable = bytes.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic());
    match std::str::from_utf8(bytes) {
        Ok("") => Ok(NAMELESS.to_owned()),
        Ok(name) if printable && name.len() <= FDNAME_LIMIT_BYTES => Ok(name.to_owned()),
        _ => Err(ListenFdsError::Name { shown: beginning(&String::from_utf8_lossy(bytes)) }),
    }
}

/// Digits alone: a sign or a blank, which `str::parse` or `strtoul` would let pass, is a mistake.
fn number(text: &OsStr) -> Option<u32> {
    let text = text.to_str()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn shown(text: &OsStr) -> String {
    beginning(&text.to_string_lossy())
}

fn beginning(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    const OWN: u32 = 4711;

    fn read(
        fds: Option<&str>,
        pid: Option<&str>,
        names: Option<&str>,
    ) -> Result<Option<Vec<(RawFd, String)>>, ListenFdsError> {
        let as_os = |text: &'static str| OsStr::new(text);
        let leak = |text: Option<&str>| text.map(|text| as_os(text.to_owned().leak()));
        parse(leak(fds), leak(pid), leak(names), OWN).map(|found| {
            found.map(|found| found.iter().map(|(fd, name)| (fd, name.to_owned())).collect())
        })
    }

    fn listed(names: &[&str]) -> Option<Vec<(RawFd, String)>> {
        Some((3..).zip(names.iter().map(|name| (*name).to_owned())).collect())
    }

    #[test]
    fn what_is_for_us_is_read_in_order() {
        let table = [
            ("1", None, listed(&["unknown"])),
            ("2", None, listed(&["unknown", "unknown"])),
            ("2", Some("web:admin"), listed(&["web", "admin"])),
            ("3", Some("web::a b"), listed(&["web", "unknown", "a b"])),
            ("2", Some("web:web"), listed(&["web", "web"])),
            ("1", Some(""), listed(&["unknown"])),
        ];
        for (fds, names, expected) in table {
            assert_eq!(read(Some(fds), Some("4711"), names), Ok(expected), "{fds} {names:?}");
        }
    }

    #[test]
    fn what_is_not_for_us_is_not_ours() {
        let table = [
            (None, None),
            (Some("1"), None),
            (None, Some("4711")),
            (Some("1"), Some("4712")),
            (Some("1"), Some("0")),
            (Some("0"), Some("4711")),
            // Another process's variables are not even looked at.
            (Some("garbage"), Some("1")),
        ];
        for (fds, pid) in table {
            assert_eq!(read(fds, pid, Some("web")), Ok(None), "{fds:?} {pid:?}");
        }
    }

    #[test]
    fn garbage_is_refused_and_named() {
        let table = [
            ("1", "", "`LISTEN_PID`: `` is not"),
            ("1", "x", "`LISTEN_PID`: `x` is not"),
            ("1", "+4711", "`LISTEN_PID`: `+4711` is not"),
            ("1", " 4711", "`LISTEN_PID`: ` 4711` is not"),
            ("1", "99999999999", "`LISTEN_PID`: `99999999999` is not"),
            ("", "4711", "`LISTEN_FDS`: `` is not"),
            ("-1", "4711", "`LISTEN_FDS`: `-1` is not"),
            ("1\n", "4711", "`LISTEN_FDS`: `1\\n` is not"),
            ("4097", "4711", "4097 descriptors are over the limit of 4096"),
        ];
        for (fds, pid, text) in table {
            let error = read(Some(fds), Some(pid), None).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn names_must_fit_in_number_and_kind() {
        let refused = |fds, names| read(Some(fds), Some("4711"), Some(names)).unwrap_err();
        let count = |names, descriptors| ListenFdsError::NameCount { names, descriptors };
        assert_eq!(refused("2", "web"), count(1, 2));
        assert_eq!(refused("1", "web:admin"), count(2, 1));
        let longest = "n".repeat(255);
        assert!(read(Some("1"), Some("4711"), Some(&longest)).is_ok());
        let long = "n".repeat(256);
        for name in ["w\u{e4}b", "we\tb", "we\x1bb", long.as_str()] {
            let error = refused("1", name);
            assert!(matches!(error, ListenFdsError::Name { .. }), "{error}");
            assert!(!error.to_string().contains(char::is_control));
            assert!(error.to_string().len() < 200);
        }
        let bytes = OsStr::from_bytes(b"\xff");
        let one = Some(OsStr::new("1"));
        let error = parse(one, Some(OsStr::new("4711")), Some(bytes), OWN).unwrap_err();
        assert!(matches!(error, ListenFdsError::Name { .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            fds in proptest::collection::vec(any::<u8>(), 0..20),
            pid in prop_oneof![
                Just(b"4711".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
            names in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..600)),
        ) {
            let names = names.as_deref().map(OsStr::from_bytes);
            let fds = Some(OsStr::from_bytes(&fds));
            let _either = parse(fds, Some(OsStr::from_bytes(&pid)), names, OWN);
        }

        #[test]
        fn as_many_are_found_as_were_announced(
            count in 1..=LISTEN_FDS_LIMIT,
            named in any::<bool>(),
        ) {
            let names: Vec<String> = (0..count).map(|number| format!("l{number}")).collect();
            let joined = names.join(":");
            let found = parse(
                Some(OsStr::new(&count.to_string())),
                Some(OsStr::new("4711")),
                named.then(|| OsStr::new(&joined)),
                OWN,
            ).unwrap().unwrap();
            prop_assert_eq!(found.iter().count(), count);
            for (place, (descriptor, name)) in found.iter().enumerate() {
                prop_assert_eq!(usize::try_from(descriptor).unwrap(), place + 3);
                prop_assert_eq!(name, if named { names[place].as_str() } else { "unknown" });
            }
        }
    }
}
