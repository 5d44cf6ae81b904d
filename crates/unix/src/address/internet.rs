//! `InternetAddress`: an IP address and port, and for `[::]` whether IPv4 is served too. It
//! refuses the combinations that do not exist, such as `127.0.0.1` for IPv6 alone.

use std::net::{SocketAddr, SocketAddrV6};

/// An IP address and port of a listener.
///
/// Two that mean the same to the kernel are equal:
///
/// - That IPv4 is not served (`IPV6_V6ONLY` in `ipv6(7)`) is a choice at `[::]` alone. At every
///   other IPv6 address the kernel sets the option by itself, so there it is not kept.
/// - A flow label is no part of a listener's address and is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InternetAddress {
    socket: SocketAddr,
    only_v6: bool,
}

impl InternetAddress {
    /// At `[::]`, IPv6 alone: `IPV6_V6ONLY` is set to 1. Elsewhere the same as `from`.
    #[must_use]
    pub fn only_v6_at(socket: SocketAddrV6) -> Self {
        Self { only_v6: socket.ip().is_unspecified(), ..Self::from(SocketAddr::V6(socket)) }
    }

    /// The address and port as the standard library has them.
    #[must_use]
    pub const fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// Whether this is `[::]` and IPv4 clients are refused on purpose.
    #[must_use]
    pub const fn only_v6(&self) -> bool {
        self.only_v6
    }

    /// The same address with another port: what port 0 became when it was bound.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.socket.set_port(port);
        self
    }
}

impl From<SocketAddr> for InternetAddress {
    /// `[::]` made so serves IPv4 too: `IPV6_V6ONLY` is set to 0.
    fn from(mut socket: SocketAddr) -> Self {
        if let SocketAddr::V6(v6) = &mut socket {
            v6.set_flowinfo(0);
        }
        Self { socket, only_v6: false }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const fn v6(ip: Ipv6Addr, flow: u32) -> SocketAddrV6 {
        SocketAddrV6::new(ip, 80, flow, 3)
    }

    #[test]
    fn a_flow_label_is_no_part_of_the_address() {
        let (labelled, plain) = (v6(Ipv6Addr::UNSPECIFIED, 7), v6(Ipv6Addr::UNSPECIFIED, 0));
        assert_eq!(InternetAddress::from(SocketAddr::V6(labelled)).socket(), plain.into());
        assert_eq!(InternetAddress::only_v6_at(labelled).socket(), plain.into());
    }

    #[test]
    fn the_wildcard_alone_can_be_for_v6_alone() {
        let wildcard = v6(Ipv6Addr::UNSPECIFIED, 0);
        assert!(InternetAddress::only_v6_at(wildcard).only_v6());
        assert!(!InternetAddress::from(SocketAddr::V6(wildcard)).only_v6());
        let single = v6(Ipv6Addr::LOCALHOST, 0);
        assert!(!InternetAddress::only_v6_at(single).only_v6());
        assert_eq!(
            InternetAddress::only_v6_at(single),
            InternetAddress::from(SocketAddr::V6(single))
        );
    }

    #[test]
    fn a_port_is_replaced_and_nothing_else() {
        let bound = InternetAddress::only_v6_at(v6(Ipv6Addr::UNSPECIFIED, 0)).with_port(4711);
        let expected = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 4711, 0, 3);
        assert_eq!(bound, InternetAddress::only_v6_at(expected));
        assert!(bound.only_v6());
        let v4 = InternetAddress::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        assert_eq!(v4.with_port(80).socket(), SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
    }
}
