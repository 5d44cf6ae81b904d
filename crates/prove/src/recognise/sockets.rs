//! The sockets that a server listens on, as `/proc/net` shows them. Owns the reading of those
//! tables (proc(5)) and which entry a client would reach; refuses to say who holds a socket.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use crate::target::Target;

/// A TCP socket that listens.
const TCP_LISTEN: &str = "0A";
/// A UDP socket without a peer.
const UDP_UNCONNECTED: &str = "07";
/// `__SO_ACCEPTCON`, the flag of a Unix socket that listens.
const UNIX_LISTENS: u32 = 1 << 16;

/// Whether a target is on this machine, as far as addresses tell.
pub(super) fn is_local(target: &Target) -> bool {
    match target {
        Target::Unix(_) => true,
        // Only addresses of this machine can be bound.
        Target::Tcp(address) | Target::Udp(address) => {
            address.ip().is_loopback() || UdpSocket::bind((address.ip(), 0)).is_ok()
        }
    }
}

/// The inodes of the sockets that a client reaches there. Several share the work if they were bound
/// with `SO_REUSEPORT`.
pub(super) fn inodes(target: &Target) -> io::Result<Vec<u64>> {
    match target {
        Target::Tcp(address) => internet("tcp", TCP_LISTEN, *address),
        Target::Udp(address) => internet("udp", UDP_UNCONNECTED, *address),
        Target::Unix(path) => unix(path),
    }
}

/// How closely a socket's address fits the one that is asked for; the kernel gives a packet to the
/// closest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Bound to `::`, which takes IPv4 as well unless it was told not to.
    AnyOfBothFamilies,
    Any,
    Exact,
}

fn internet(table: &str, state: &str, address: SocketAddr) -> io::Result<Vec<u64>> {
    let mut found: Vec<(Fit, u64)> = Vec::new();
    for (table, bytes) in [(table.to_owned(), 4), (format!("{table}6"), 16)] {
        let file = match File::open(Path::new("/proc/net").join(&table)) {
            // Without IPv6 there is no such table.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            file => file?,
        };
        for line in BufReader::new(file).lines().skip(1) {
            let line = line?;
            let Some(entry) = Entry::parse(&line, bytes) else { continue };
            // The kernel lists those that listen before all others, of which there can be
            // thousands.
            if table.starts_with("tcp") && entry.state != TCP_LISTEN {
                break;
            }
            if let Some(fit) = entry.fit(address).filter(|_| entry.state == state) {
                found.push((fit, entry.inode));
            }
        }
    }
    let closest = found.iter().map(|(fit, _)| *fit).max();
    let closest = found.into_iter().filter(|(fit, _)| Some(*fit) == closest);
    Ok(closest.map(|(_, inode)| inode).collect())
}

/// A line of `/proc/net/tcp` and its likes.
struct Entry<'a> {
    address: SocketAddr,
    state: &'a str,
    inode: u64,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str, address_bytes: usize) -> Option<Self> {
        // sl local remote st queues timer retransmits uid timeout inode
        let mut words = line.split_ascii_whitespace().skip(1);
        let (ip, port) = words.next()?.split_once(':')?;
        let state = words.nth(1)?;
        let inode = words.nth(5)?.parse().ok()?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let mut octets = Vec::with_capacity(address_bytes);
        for word in 0..address_bytes / 4 {
            // Each four bytes of the address, as they lie in memory, are one number.
            let digits = ip.get(word * 8..word * 8 + 8)?;
            octets.extend(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes());
        }
        let ip = match address_bytes {
            4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
            _ => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        };
        Some(Self { address: SocketAddr::new(ip, port), state, inode })
    }

    fn fit(&self, asked: SocketAddr) -> Option<Fit> {
        if self.address.port() != asked.port() {
            return None;
        }
        // A mapped address stands in the table of IPv6 and takes IPv4.
        let (own, asked) = (self.address.ip().to_canonical(), asked.ip().to_canonical());
        match (own, asked) {
            _ if own == asked => Some(Fit::Exact),
            (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(_))
            | (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(_)) => Some(Fit::Any),
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(_)) => Some(Fit::AnyOfBothFamilies),
            // A client that asks for "any address" reaches its own machine.
            (IpAddr::V4(own), IpAddr::V4(Ipv4Addr::UNSPECIFIED)) if own.is_loopback() => {
                Some(Fit::Exact)
            }
            (IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => {
                Some(Fit::Exact)
            }
            _ => None,
        }
    }
}

fn unix(asked: &Path) -> io::Result<Vec<u64>> {
    let canonical = asked.canonicalize().ok();
    let mut inodes = Vec::new();
    // Paths are bytes: what is no text must not end the reading.
    for line in BufReader::new(File::open("/proc/net/unix")?).split(b'\n').skip(1) {
        let line = line?;
        if let Some((inode, path)) = std::str::from_utf8(&line).ok().and_then(listening_path) {
            let path = Path::new(path);
            // The server may have bound it by another name, such as one with `..` in it.
            if path == asked || canonical.is_some() && path.canonicalize().ok() == canonical {
                inodes.push(inode);
            }
        }
    }
    Ok(inodes)
}

/// The inode and the path of a Unix socket that listens, from its line in `/proc/net/unix`.
fn listening_path(line: &str) -> Option<(u64, &str)> {
    // Num RefCount Protocol Flags Type St Inode Path, where the path may have blanks in it.
    let mut rest = line;
    let mut words = std::iter::from_fn(|| {
        let (word, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        Some(word)
    });
    let flags = u32::from_str_radix(words.nth(3)?, 16).ok()?;
    let inode = words.nth(2)?.parse().ok()?;
    (flags & UNIX_LISTENS != 0).then_some((inode, rest))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn inode(socket: &impl std::os::fd::AsFd) -> u64 {
        let path = format!("/proc/self/fd/{}", socket.as_fd().as_raw_fd());
        fs::metadata(path).unwrap().ino()
    }

    fn tcp(address: SocketAddr) -> Vec<u64> {
        inodes(&Target::Tcp(address)).unwrap()
    }

    #[test]
    fn a_listener_is_found_by_its_address_among_connections() {
        for bound in ["127.0.0.1:0", "127.8.9.10:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bound) else {
                assert!(bound.starts_with('['), "only IPv6 may be absent");
                continue;
            };
            let address = listener.local_addr().unwrap();
            let _connections: Vec<_> =
                (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
            assert_eq!(tcp(address), [inode(&listener)], "{bound}");
        }
    }

    #[test]
    fn the_closest_address_is_the_one_that_clients_reach() {
        let any = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = any.local_addr().unwrap().port();
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), port);
        assert_eq!(tcp(at("127.0.0.1")), [inode(&any)]);
        assert_eq!(tcp(at("127.0.0.2")), [inode(&any)]);
        assert_eq!(tcp(at("0.0.0.0")), [inode(&any)]);
        assert_eq!(tcp(at("::1")), [0; 0], "IPv4 alone");
    }

    #[test]
    fn a_socket_that_was_bound_to_any_address_of_both_families_takes_ipv4() {
        let Ok(any) = TcpListener::bind("[::]:0") else { return };
        let port = any.local_addr().unwrap().port();
        assert_eq!(tcp(SocketAddr::from(([127, 0, 0, 1], port))), [inode(&any)]);
    }

    #[test]
    fn a_port_without_a_listener_has_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(tcp(address), [0; 0]);
    }

    #[test]
    fn a_unix_listener_is_found_by_any_name_of_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a socket");
        let listener = UnixListener::bind(&path).unwrap();
        let _connection = UnixStream::connect(&path).unwrap();
        let other = directory
            .path()
            .join(".")
            .join("..")
            .join(directory.path().file_name().unwrap())
            .join("a socket");
        for name in [path, other] {
            let found = inodes(&Target::Unix(name.clone())).unwrap();
            assert_eq!(found, [inode(&listener)], "{}", name.display());
        }
    }

    #[test]
    fn a_udp_socket_is_found() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = Target::Udp(socket.local_addr().unwrap());
        assert_eq!(inodes(&target).unwrap(), [inode(&socket)]);
        assert!(is_local(&target));
    }

    #[test]
    fn an_address_of_documentation_is_not_local() {
        assert!(!is_local(&Target::Tcp(([192, 0, 2, 1], 80).into())));
    }
}
