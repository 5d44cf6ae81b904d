//! `AddressError`: why a text is no address, and what to write instead. It refuses to guess what
//! was meant: a wrong guess would bind the wrong door.

use std::net::SocketAddr;

use super::unix_name::NAME_LIMIT_BYTES;

/// The longest text of an address, in bytes: the longest Unix name with every byte escaped fits.
pub(super) const TEXT_LIMIT_BYTES: usize = 512;

/// Why a text could not be read as an [`Address`](super::Address).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing was written.
    #[error("read the address ``: it is empty; write one such as `127.0.0.1:8080`")]
    Empty,
    /// No address is that long.
    #[error(
        "read the address `{}…`: it has {length_bytes} bytes and {TEXT_LIMIT_BYTES} is the limit",
        .beginning.escape_debug()
    )]
    TooLong {
        /// The first characters of the text.
        beginning: String,
        /// The length of the whole text, in bytes.
        length_bytes: usize,
    },
    /// Blanks around it, which most often come from a list or a file.
    #[error(
        "read the address `{}`: blanks around it are not ignored; write `{}`",
        .text.escape_debug(), .trimmed.escape_debug()
    )]
    Blank {
        /// The text.
        text: String,
        /// The text without the blanks.
        trimmed: String,
    },
    /// A NUL byte where none can be.
    #[error(
        "read the address `{}`: it holds a NUL byte; only an abstract name can, written `\\x00`",
        .text.escape_debug()
    )]
    Nul {
        /// The text.
        text: String,
    },
    /// What stands before the first colon is neither a scheme nor a part of an address.
    #[error(
        "read the address `{}`: `{}` is none of `tcp`, `tcp6`, `udp`, `udp6`, `unix`, \
         `unix-datagram`, `unix-seqpacket`",
        .text.escape_debug(), .scheme.escape_debug()
    )]
    UnknownScheme {
        /// The text.
        text: String,
        /// What stands where the scheme should.
        scheme: String,
    },
    /// A path or an abstract name without `unix:`.
    #[error(
        "read the address `{}`: a Unix socket needs its scheme; write `unix:{}`",
        .text.escape_debug(), .text.escape_debug()
    )]
    MissingScheme {
        /// The text.
        text: String,
    },
    /// An IP address alone.
    #[error(
        "read the address `{}`: the port is missing; write one behind it, as in \
         `127.0.0.1:8080` or `[::1]:8080`, or `:0` for any free one",
        .text.escape_debug()
    )]
    MissingPort {
        /// The text.
        text: String,
    },
    /// The port is no number from 0 to 65535.
    #[error(
        "read the address `{}`: `{}` is not a port; write a number from 0 to 65535",
        .text.escape_debug(), .port.escape_debug()
    )]
    Port {
        /// The text.
        text: String,
        /// What stands where the port should.
        port: String,
    },
    /// A port alone. Which addresses it is meant for is a decision that nobody should make unseen.
    #[error(
        "read the address `{}`: it does not say for whom; write `[::]:{port}` for everybody or \
         `127.0.0.1:{port}` for this machine alone",
        .text.escape_debug()
    )]
    MissingHost {
        /// The text.
        text: String,
        /// The port.
        port: u16,
    },
    /// A host name, which could mean another address at the next upgrade.
    #[error(
        "read the address `{}`: `{}` is a host name and names are not looked up; write the IP \
         address, such as `127.0.0.1:{port}` or `[::1]:{port}`",
        .text.escape_debug(), .host.escape_debug()
    )]
    HostName {
        /// The text.
        text: String,
        /// The name.
        host: String,
        /// The port, as it was written.
        port: u16,
    },
    /// An IPv6 address of which nobody can say where it ends and the port begins.
    #[error(
        "read the address `{}`: an IPv6 address needs brackets; write it as in `[::1]:8080`",
        .text.escape_debug()
    )]
    UnbracketedV6 {
        /// The text.
        text: String,
    },
    /// An interface name in an IPv6 address.
    #[error(
        "read the address `{}`: `{}` is not an interface number; write the number that \
         `ip -6 address` shows, as in `[fe80::1%2]:8080`",
        .text.escape_debug(), .scope.escape_debug()
    )]
    Scope {
        /// The text.
        text: String,
        /// What stands where the number of the interface should.
        scope: String,
    },
    /// Something else that is no IP address.
    #[error(
        "read the address `{}`: `{}` is not an IP address; write one such as \
         `127.0.0.1` or `[::1]`",
        .text.escape_debug(), .host.escape_debug()
    )]
    Host {
        /// The text.
        text: String,
        /// What stands where the IP address should.
        host: String,
    },
    /// `tcp6:` or `udp6:` before an IPv4 address.
    #[error(
        "read the address `{}`: `{scheme}6` is for IPv6 alone; write `{scheme}:{v4}`",
        .text.escape_debug()
    )]
    NotV6 {
        /// The text.
        text: String,
        /// The scheme that takes both: `tcp` or `udp`.
        scheme: &'static str,
        /// The IPv4 address and port.
        v4: SocketAddr,
    },
    /// A Unix scheme without a name.
    #[error(
        "read the address `{}`: the name is missing; write a path, as in `unix:/run/x.sock`, or \
         an abstract name, as in `unix:@x`",
        .text.escape_debug()
    )]
    MissingName {
        /// The text.
        text: String,
    },
    /// A Unix name longer than the kernel takes.
    #[error(
        "read the address `{}`: the name has {length_bytes} bytes and the kernel takes \
         {NAME_LIMIT_BYTES}; write a shorter or a relative path",
        .text.escape_debug()
    )]
    NameTooLong {
        /// The text.
        text: String,
        /// The length of the name without escapes, in bytes.
        length_bytes: usize,
    },
    /// A backslash that begins nothing known.
    #[error(
        "read the address `{}`: a backslash begins `\\xNN`, a byte in hexadecimal, or `\\\\`, a \
         backslash",
        .text.escape_debug()
    )]
    Escape {
        /// The text.
        text: String,
    },
}
