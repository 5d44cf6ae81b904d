//! `SocketKind`: which sort of socket a descriptor is, and the one word for it in texts and on the
//! wire. It refuses to look at descriptors: that is `inspect`'s.

use std::fmt;

/// The sort of a socket: its family and type, as far as an upgrade treats them differently.
///
/// IPv4 and IPv6 are one kind; the [`Address`](crate::Address) tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SocketKind {
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// UDP over IPv4 or IPv6.
    Udp,
    /// `AF_UNIX`, `SOCK_STREAM`.
    UnixStream,
    /// `AF_UNIX`, `SOCK_DGRAM`.
    UnixDatagram,
    /// `AF_UNIX`, `SOCK_SEQPACKET`.
    UnixSeqpacket,
    /// Anything else: another family or protocol, a pipe, a file.
    Other,
}

impl SocketKind {
    /// The kind as one word: `tcp`, `udp`, `unix-stream`, `unix-datagram`, `unix-seqpacket`,
    /// `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UnixStream => "unix-stream",
            Self::UnixDatagram => "unix-datagram",
            Self::UnixSeqpacket => "unix-seqpacket",
            Self::Other => "other",
        }
    }

    /// Whether a server of this kind calls `listen` and `accept` (see `listen(2)`).
    #[must_use]
    pub const fn accepts(self) -> bool {
        match self {
            Self::Tcp | Self::UnixStream | Self::UnixSeqpacket => true,
            Self::Udp | Self::UnixDatagram | Self::Other => false,
        }
    }
}

impl fmt::Display for SocketKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_word_and_known_manners() {
        let table = [
            (SocketKind::Tcp, "tcp", true),
            (SocketKind::Udp, "udp", false),
            (SocketKind::UnixStream, "unix-stream", true),
            (SocketKind::UnixDatagram, "unix-datagram", false),
            (SocketKind::UnixSeqpacket, "unix-seqpacket", true),
            (SocketKind::Other, "other", false),
        ];
        for (kind, word, accepts) in table {
            assert_eq!(kind.to_string(), word);
            assert_eq!(kind.accepts(), accepts, "{kind}");
        }
    }

    #[test]
    fn a_width_is_honoured() {
        assert_eq!(format!("{:<5}|", SocketKind::Tcp), "tcp  |");
    }
}
