//! The address of the server under test. Refuses to connect: that is `connect`'s.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the server under test listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A TCP address, IPv4 or IPv6.
    Tcp(SocketAddr),
    /// The path of a Unix stream socket.
    Unix(PathBuf),
    /// A UDP address, IPv4 or IPv6: for [`Protocol::Datagrams`](crate::Protocol::Datagrams), and
    /// for that alone.
    Udp(SocketAddr),
}

impl Target {
    /// What the `Host` field of a request says: RFC 9110 §7.2 wants one, and a Unix path is none.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Tcp(address) | Self::Udp(address) => address.to_string(),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Udp(address) => write!(formatter, "udp:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_the_authority_of_the_target() {
        let v4 = Target::Tcp(([127, 0, 0, 1], 80).into());
        let v6 = Target::Tcp("[::1]:8080".parse().unwrap());
        assert_eq!(v4.host(), "127.0.0.1:80");
        assert_eq!(v6.host(), "[::1]:8080");
        assert_eq!(Target::Unix("/run/x".into()).host(), "localhost");
    }

    #[test]
    fn display_tells_a_path_from_an_address() {
        assert_eq!(Target::Tcp(([127, 0, 0, 1], 80).into()).to_string(), "127.0.0.1:80");
        assert_eq!(Target::Unix("/run/x".into()).to_string(), "unix:/run/x");
        assert_eq!(Target::Udp(([127, 0, 0, 1], 80).into()).to_string(), "udp:127.0.0.1:80");
    }
}
