//! `Address`: what a listener is asked for, or found bound to, and its text. It refuses to open
//! anything and to look host names up: an address means the same thing in every generation.

mod error;
mod internet;
mod parse;
mod unix_name;

pub use error::AddressError;
pub use internet::InternetAddress;
pub(crate) use unix_name::NameFault;
pub use unix_name::{NAME_LIMIT_BYTES, UnixName};

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::SocketKind;

/// The address of a listener.
///
/// The text is read with [`FromStr`] and written with [`Display`](fmt::Display), and one is the
/// reverse of the other:
///
/// | text | meaning |
/// |---|---|
/// | `127.0.0.1:8888`, `tcp:127.0.0.1:8888` | TCP over IPv4 |
/// | `[::]:80` | TCP over IPv6, and over IPv4 too (`IPV6_V6ONLY` is set to 0) |
/// | `tcp6:[::]:80` | TCP over IPv6 alone (`IPV6_V6ONLY` is set to 1) |
/// | `udp:…`, `udp6:…` | the same for UDP |
/// | `unix:/run/x.sock` | Unix stream socket at a path; a relative path is taken as it is |
/// | `unix:@name` | Unix stream socket with an abstract name |
/// | `unix-datagram:…`, `unix-seqpacket:…` | the same for the other Unix socket types |
///
/// `IPV6_V6ONLY` is always stated because its default is the machine's (`net.ipv6.bindv6only`). An
/// IPv6 address other than `[::]` serves IPv6 alone in either case.
/// In Unix names `\xNN` stands for any byte and `\\` for a backslash.
///
/// ```
/// use rekindle_unix::{Address, SocketKind};
///
/// let address: Address = "unix:/run/example.sock".parse()?;
/// assert_eq!(address.socket_kind(), SocketKind::UnixStream);
/// assert_eq!(address.to_string(), "unix:/run/example.sock");
/// # Ok::<(), rekindle_unix::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP listener.
    Tcp(InternetAddress),
    /// A UDP socket.
    Udp(InternetAddress),
    /// A Unix stream listener.
    UnixStream(UnixName),
    /// A Unix datagram socket.
    UnixDatagram(UnixName),
    /// A Unix listener whose connections keep message boundaries.
    UnixSeqpacket(UnixName),
}

impl Address {
    /// The kind of socket that this address is bound with; never [`SocketKind::Other`].
    #[must_use]
    pub const fn socket_kind(&self) -> SocketKind {
        match self {
            Self::Tcp(_) => SocketKind::Tcp,
            Self::Udp(_) => SocketKind::Udp,
            Self::UnixStream(_) => SocketKind::UnixStream,
            Self::UnixDatagram(_) => SocketKind::UnixDatagram,
            Self::UnixSeqpacket(_) => SocketKind::UnixSeqpacket,
        }
    }

    /// The internet address and port, if it is one.
    #[must_use]
    pub const fn internet(&self) -> Option<&InternetAddress> {
        match self {
            Self::Tcp(internet) | Self::Udp(internet) => Some(internet),
            Self::UnixStream(_) | Self::UnixDatagram(_) | Self::UnixSeqpacket(_) => None,
        }
    }

    /// The Unix name, if it is one.
    #[must_use]
    pub const fn unix_name(&self) -> Option<&UnixName> {
        match self {
            Self::UnixStream(name) | Self::UnixDatagram(name) | Self::UnixSeqpacket(name) => {
                Some(name)
            }
            Self::Tcp(_) | Self::Udp(_) => None,
        }
    }

    /// The file system path, if the address has one: what must be unlinked in the end.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        match self.unix_name()? {
            UnixName::Path(path) => Some(path),
            UnixName::Abstract(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(internet) if internet.only_v6() => {
                write!(formatter, "tcp6:{}", internet.socket())
            }
            Self::Tcp(internet) => write!(formatter, "{}", internet.socket()),
            Self::Udp(internet) if internet.only_v6() => {
                write!(formatter, "udp6:{}", internet.socket())
            }
            Self::Udp(internet) => write!(formatter, "udp:{}", internet.socket()),
            Self::UnixStream(name) => write!(formatter, "unix:{name}"),
            Self::UnixDatagram(name) => write!(formatter, "unix-datagram:{name}"),
            Self::UnixSeqpacket(name) => write!(formatter, "unix-seqpacket:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn internet() -> impl Strategy<Value = InternetAddress> {
        let v4 = (any::<u32>(), any::<u16>())
            .prop_map(|(bits, port)| SocketAddr::from((Ipv4Addr::from_bits(bits), port)).into());
        let ip = prop_oneof![
            Just(Ipv6Addr::UNSPECIFIED),
            any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).to_ipv6_mapped()),
            any::<u128>().prop_map(Ipv6Addr::from_bits),
        ];
        let scope = prop_oneof![Just(0), any::<u32>()];
        let v6 = (ip, any::<u16>(), any::<u32>(), scope, any::<bool>()).prop_map(
            |(ip, port, flow, scope, only_v6)| {
                let socket = SocketAddrV6::new(ip, port, flow, scope);
                if only_v6 {
                    InternetAddress::only_v6_at(socket)
                } else {
                    SocketAddr::V6(socket).into()
                }
            },
        );
        prop_oneof![v4, v6]
    }

    fn name() -> impl Strategy<Value = UnixName> {
        let path = proptest::collection::vec(1_u8.., 1..=NAME_LIMIT_BYTES)
            .prop_map(|bytes| UnixName::Path(PathBuf::from(std::ffi::OsString::from_vec(bytes))));
        let abstract_name = proptest::collection::vec(any::<u8>(), 1..=NAME_LIMIT_BYTES)
            .prop_map(UnixName::Abstract);
        let readable = "[@/ .a-z\\\\\u{e4}\u{202e}]{1,40}"
            .prop_map(|text: String| UnixName::Path(PathBuf::from(text)));
        prop_oneof![path, abstract_name, readable]
    }

    fn address() -> impl Strategy<Value = Address> {
        prop_oneof![
            internet().prop_map(Address::Tcp),
            internet().prop_map(Address::Udp),
            name().prop_map(Address::UnixStream),
            name().prop_map(Address::UnixDatagram),
            name().prop_map(Address::UnixSeqpacket),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(address in address()) {
            let text = address.to_string();
            let read: Address = text.parse().expect("a written address is readable");
            prop_assert_eq!(&read, &address);
            // `Path` compares by components (`a//b` is `a/b`), the kernel by bytes.
            prop_assert_eq!(
                read.unix_path().map(|path| path.as_os_str().as_bytes()),
                address.unix_path().map(|path| path.as_os_str().as_bytes())
            );
        }

        #[test]
        fn what_is_written_is_safe_to_print(address in address()) {
            let text = address.to_string();
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            prop_assert_eq!(text.trim(), text.as_str());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,600}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }

        #[test]
        fn near_misses_are_read_or_refused(
            text in "(tcp|udp|unix|tcp6|x)?[-:@\\[\\]%./*0-9a-fx\\\\]{0,24}",
        ) {
            match text.parse::<Address>() {
                Ok(address) => prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address)),
                Err(error) => prop_assert!(error.to_string().starts_with("read the address")),
            }
        }
    }

    #[test]
    fn internet_addresses_are_read_as_written() {
        use SocketKind::{Tcp, Udp};
        let table = [
            ("127.0.0.1:8888", Tcp, "127.0.0.1:8888", false),
            ("tcp:127.0.0.1:8888", Tcp, "127.0.0.1:8888", false),
            ("[::]:80", Tcp, "[::]:80", false),
            ("tcp6:[::]:80", Tcp, "[::]:80", true),
            ("udp:[::1]:0", Udp, "[::1]:0", false),
            ("udp6:[fe80::1%2]:53", Udp, "[fe80::1%2]:53", false),
            ("udp6:[::]:53", Udp, "[::]:53", true),
        ];
        for (text, kind, socket, only_v6) in table {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.socket_kind(), kind, "{text}");
            let internet = address.internet().unwrap();
            assert_eq!(internet.socket(), socket.parse::<SocketAddr>().unwrap(), "{text}");
            assert_eq!(internet.only_v6(), only_v6, "{text}");
            assert_eq!(address.unix_name(), None, "{text}");
        }
    }

    #[test]
    fn unix_addresses_are_read_as_written() {
        use SocketKind::{UnixDatagram, UnixSeqpacket, UnixStream};
        let table = [
            ("unix:/run/x.sock", UnixStream, Some("/run/x.sock")),
            ("unix:x.sock", UnixStream, Some("x.sock")),
            ("unix-datagram:a b", UnixDatagram, Some("a b")),
            ("unix-seqpacket:./@x", UnixSeqpacket, Some("./@x")),
            ("unix:@name", UnixStream, None),
        ];
        for (text, kind, path) in table {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.socket_kind(), kind, "{text}");
            assert_eq!(address.unix_path(), path.map(Path::new), "{text}");
            assert_eq!(address.internet(), None, "{text}");
        }
        let address: Address = "unix:@name".parse().unwrap();
        assert_eq!(address.unix_name(), Some(&UnixName::Abstract(b"name".to_vec())));
    }

    #[test]
    fn a_plain_and_a_schemed_address_are_the_same() {
        assert_eq!("tcp:[::]:80".parse::<Address>(), "[::]:80".parse::<Address>());
        assert_ne!("tcp6:[::]:80".parse::<Address>(), "[::]:80".parse::<Address>());
    }
}
