//! `UnixName`: the name of a Unix socket, a path or an abstract name, with its escaped text. It
//! refuses to touch the file system.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The longest Unix name, in bytes: `sun_path` has 108, of which one is the NUL that ends a path
/// or begins an abstract name (see `unix(7)`).
pub const NAME_LIMIT_BYTES: usize = 107;

/// The name of a Unix socket (see `unix(7)`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixName {
    /// A path in the file system: 1 to [`NAME_LIMIT_BYTES`] bytes without NUL.
    Path(PathBuf),
    /// An abstract name, without its leading NUL: 1 to [`NAME_LIMIT_BYTES`] bytes of any value.
    Abstract(Vec<u8>),
}

/// Why a name cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameFault {
    Empty,
    TooLong { length_bytes: usize },
    Nul,
}

impl UnixName {
    /// Whether the kernel can be given this name.
    ///
    /// An empty name is refused here because the kernel would not: it would choose a name.
    pub(crate) fn check(&self) -> Result<(), NameFault> {
        let bytes = self.bytes();
        if bytes.is_empty() {
            return Err(NameFault::Empty);
        }
        if bytes.len() > NAME_LIMIT_BYTES {
            return Err(NameFault::TooLong { length_bytes: bytes.len() });
        }
        match self {
            Self::Path(_) if bytes.contains(&0) => Err(NameFault::Nul),
            Self::Path(_) | Self::Abstract(_) => Ok(()),
        }
    }

    /// Reads the text that [`Display`](fmt::Display) writes; `None` for a malformed escape.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text.strip_prefix('@') {
            Some(name) => unescape(name).map(Self::Abstract),
            None => unescape(text).map(|path| Self::Path(OsString::from_vec(path).into())),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Path(path) => path.as_os_str().as_bytes(),
            Self::Abstract(name) => name,
        }
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abstract(name) => {
                formatter.write_char('@')?;
                escape(name, formatter)
            }
            Self::Path(path) => match path.as_os_str().as_bytes() {
                // A relative path may begin with the sign of abstract names.
                [b'@', rest @ ..] => {
                    formatter.write_str("\\x40")?;
                    escape(rest, formatter)
                }
                bytes => escape(bytes, formatter),
            },
        }
    }
}

/// Writes letters, digits and printable ASCII as they are and all else as `\xNN`, so that a name
/// can neither hide in a log line nor steer a terminal.
fn escape(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\\' {
                formatter.write_str("\\\\")?;
            } else if character.is_ascii_graphic() || character.is_alphanumeric() {
                formatter.write_char(character)?;
            } else {
                escape_bytes(character.encode_utf8(&mut [0; 4]).as_bytes(), formatter)?;
            }
        }
        escape_bytes(chunk.invalid(), formatter)?;
    }
    Ok(())
}

fn escape_bytes(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, "\\x{byte:02x}"))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        rest = match rest {
            [b'\\', after @ ..] => {
                bytes.push(b'\\');
                after
            }
            [b'x', high, low, after @ ..] => {
                bytes.push(hexadecimal(*high)? << 4 | hexadecimal(*low)?);
                after
            }
            _ => return None,
        };
    }
    Some(bytes)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(bytes: &[u8]) -> UnixName {
        UnixName::Path(OsString::from_vec(bytes.to_vec()).into())
    }

    #[test]
    fn names_are_escaped_where_they_could_deceive() {
        let table = [
            (path(b"/run/x-1_y.sock"), "/run/x-1_y.sock"),
            (path("/run/gr\u{fc}n".as_bytes()), "/run/gr\u{fc}n"),
            (path(b"@x"), "\\x40x"),
            (path(b"x@y"), "x@y"),
            (path(b"a b"), "a\\x20b"),
            (path(b"a\\b"), "a\\\\b"),
            (path(b"a\nb\x1b[0m"), "a\\x0ab\\x1b[0m"),
            (path("\u{202e}".as_bytes()), "\\xe2\\x80\\xae"),
            (path(b"\xff\xfe"), "\\xff\\xfe"),
            (UnixName::Abstract(b"a\0b".to_vec()), "@a\\x00b"),
            (UnixName::Abstract(b"@".to_vec()), "@@"),
        ];
        for (name, text) in table {
            assert_eq!(name.to_string(), text);
            assert_eq!(UnixName::from_text(text), Some(name), "{text}");
        }
    }

    #[test]
    fn escapes_are_read_in_either_case_and_refused_when_cut_short() {
        assert_eq!(UnixName::from_text("\\xFf"), Some(path(b"\xff")));
        for text in ["\\", "\\x", "\\x1", "\\xg0", "\\x+1", "\\n", "@\\"] {
            assert_eq!(UnixName::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn only_names_that_the_kernel_takes_as_given_pass() {
        let longest = [b'x'; NAME_LIMIT_BYTES];
        let too_long = [b'x'; NAME_LIMIT_BYTES + 1];
        let fault = NameFault::TooLong { length_bytes: 108 };
        let table = [
            (path(&longest), Ok(())),
            (path(&too_long), Err(fault)),
            (path(b""), Err(NameFault::Empty)),
            (path(b"a\0b"), Err(NameFault::Nul)),
            (UnixName::Abstract(longest.to_vec()), Ok(())),
            (UnixName::Abstract(too_long.to_vec()), Err(fault)),
            (UnixName::Abstract(Vec::new()), Err(NameFault::Empty)),
            (UnixName::Abstract(b"a\0b".to_vec()), Ok(())),
        ];
        for (name, verdict) in table {
            assert_eq!(name.check(), verdict, "{name}");
        }
    }
}
