//! `InternetAddress`: an IP address and port, and for IPv6 whether IPv4 is served too. It refuses
//! the combination that does not exist: an IPv4 address that is for IPv6 alone.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// An IP address and port of a listener.
///
/// The flow label of an IPv6 address is no part of a listener's address (see `ipv6(7)`): the
/// constructors set it to 0, and it is not written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InternetAddress {
    /// IPv4.
    V4(SocketAddrV4),
    /// IPv6.
    V6 {
        /// The address, port and scope.
        socket: SocketAddrV6,
        /// `IPV6_V6ONLY`: if false and the address is `[::]`, IPv4 clients are served too.
        only_v6: bool,
    },
}

impl InternetAddress {
    /// IPv6 alone: `IPV6_V6ONLY` is set to 1.
    #[must_use]
    pub const fn only_v6_at(socket: SocketAddrV6) -> Self {
        Self::V6 {
            socket: without_flow(socket),
            only_v6: true,
        }
    }

    /// The address and port as the standard library has them.
    #[must_use]
    pub const fn socket(&self) -> SocketAddr {
        match *self {
            Self::V4(socket) => SocketAddr::V4(socket),
            Self::V6 { socket, .. } => SocketAddr::V6(socket),
        }
    }

    /// Whether IPv4 clients are refused on purpose; false for IPv4 addresses.
    #[must_use]
    pub const fn only_v6(&self) -> bool {
        matches!(self, Self::V6 { only_v6: true, .. })
    }

    /// The same address with another port: what port 0 became when it was bound.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        match &mut self {
            Self::V4(socket) => socket.set_port(port),
            Self::V6 { socket, .. } => socket.set_port(port),
        }
        self
    }
}

impl From<SocketAddr> for InternetAddress {
    /// An IPv6 address made so serves IPv4 too where it can.
    fn from(socket: SocketAddr) -> Self {
        match socket {
            SocketAddr::V4(socket) => Self::V4(socket),
            SocketAddr::V6(socket) => Self::V6 {
                socket: without_flow(socket),
                only_v6: false,
            },
        }
    }
}

const fn without_flow(mut socket: SocketAddrV6) -> SocketAddrV6 {
    socket.set_flowinfo(0);
    socket
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn a_flow_label_is_no_part_of_the_address() {
        let labelled = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 3);
        let plain = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 3);
        assert_eq!(
            InternetAddress::from(SocketAddr::V6(labelled)).socket(),
            plain.into()
        );
        assert_eq!(InternetAddress::only_v6_at(labelled).socket(), plain.into());
    }

    #[test]
    fn only_an_address_made_so_is_for_v6_alone() {
        let v6 = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 80, 0, 0);
        let v4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80);
        assert!(InternetAddress::only_v6_at(v6).only_v6());
        assert!(!InternetAddress::from(SocketAddr::V6(v6)).only_v6());
        assert!(!InternetAddress::from(SocketAddr::V4(v4)).only_v6());
    }

    #[test]
    fn a_port_is_replaced_and_nothing_else() {
        let v6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 9);
        let bound = InternetAddress::only_v6_at(v6).with_port(4711);
        assert_eq!(
            bound.socket(),
            SocketAddrV6::new(Ipv6Addr::LOCALHOST, 4711, 0, 9).into()
        );
        assert!(bound.only_v6());
        let v4 = InternetAddress::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        assert_eq!(
            v4.with_port(80).socket(),
            SocketAddr::from((Ipv4Addr::LOCALHOST, 80))
        );
    }
}
