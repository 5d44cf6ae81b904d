//! Every kind of listener bound for real: what it is then, whom it answers, and what is said when
//! it cannot be bound.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rekindle_unix::{
    Address, BindError, BindOptions, SocketKind, UnixName, bind, bind_group, inspect, verify,
};
use rustix::fs::OFlags;
use rustix::io::FdFlags;
use rustix::net::sockopt;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn bound(text: &str) -> OwnedFd {
    bind(&address(text), &BindOptions::new()).unwrap()
}

fn refused(text: &str) -> BindError {
    bind(&address(text), &BindOptions::new()).unwrap_err()
}

fn local(socket: &OwnedFd) -> Address {
    inspect(socket.as_fd()).unwrap().local.unwrap()
}

fn port(socket: &OwnedFd) -> u16 {
    local(socket).internet().unwrap().socket().port()
}

/// An abstract name that no other test, and no other run of this one, has.
fn abstract_name(directory: &Path) -> String {
    format!("@{}", directory.display())
}

#[test]
fn every_kind_is_bound_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let name = abstract_name(directory.path());
    let texts = [
        "127.0.0.1:0".to_owned(),
        "[::1]:0".to_owned(),
        "[::]:0".to_owned(),
        "tcp6:[::]:0".to_owned(),
        "udp:127.0.0.1:0".to_owned(),
        "udp:[::]:0".to_owned(),
        "udp6:[::]:0".to_owned(),
        "udp:[::1]:0".to_owned(),
        "[::ffff:127.0.0.1]:0".to_owned(),
        format!("unix:{}", path("stream")),
        format!("unix-datagram:{}", path("datagram")),
        format!("unix-seqpacket:{}", path("seqpacket")),
        format!("unix:{name}-stream"),
        format!("unix-datagram:{name}-datagram"),
        format!("unix-seqpacket:{name}-seqpacket"),
    ];
    for text in texts {
        let asked = address(&text);
        let socket = bind(&asked, &BindOptions::new()).unwrap();
        let found = inspect(socket.as_fd()).unwrap();
        assert_eq!(found.kind, asked.socket_kind(), "{text}");
        assert_eq!(found.listening, asked.socket_kind().accepts(), "{text}");
        let expected = match asked.clone() {
            Address::Tcp(internet) => Address::Tcp(internet.with_port(port(&socket))),
            Address::Udp(internet) => Address::Udp(internet.with_port(port(&socket))),
            unix => unix,
        };
        verify(socket.as_fd(), asked.socket_kind(), Some(&expected)).unwrap();
        assert!(rustix::io::fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC), "{text}");
        let status = rustix::fs::fcntl_getfl(&socket).unwrap();
        assert!(status.contains(OFlags::NONBLOCK), "{text}");
    }
}

#[test]
fn a_dual_stack_listener_answers_both_families() {
    let socket = bound("[::]:0");
    assert!(!sockopt::ipv6_v6only(&socket).unwrap());
    let port = port(&socket);
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
    let listener = TcpListener::from(socket);
    let families: Vec<bool> =
        (0..2).map(|_| listener.accept().unwrap().1.ip().to_canonical().is_ipv4()).collect();
    assert_eq!(families, [true, false]);
}

#[test]
fn a_v6_listener_refuses_v4() {
    let socket = bound("tcp6:[::]:0");
    assert!(sockopt::ipv6_v6only(&socket).unwrap());
    let port = port(&socket);
    let error = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
}

#[test]
fn a_dual_stack_udp_socket_hears_both_families_and_a_v6_one_does_not() {
    let hears_v4 = |text: &str| {
        let socket = bound(text);
        let port = port(&socket);
        let server = UdpSocket::from(socket);
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let _refused_at_once_or_later = client.send(b"x");
        // Loopback delivers before `send` returns.
        server.recv(&mut [0; 8]).is_ok()
    };
    assert!(hears_v4("udp:[::]:0"));
    assert!(!hears_v4("udp6:[::]:0"));
}

/// What the kernel keeps as the backlog of a listening TCP socket: `tcp_get_info` in the kernel
/// puts it where it has the selectively acknowledged segments of a connection.
fn backlog(socket: &OwnedFd) -> u32 {
    // SAFETY: all zeroes are a value of this structure of integers.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = libc::socklen_t::try_from(size_of_val(&info)).unwrap();
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to `info`.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    assert_eq!(status, 0);
    info.tcpi_sacked
}

#[test]
fn the_backlog_is_the_systems_longest_unless_said_otherwise() {
    let longest = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let longest: u32 = longest.trim().parse().unwrap();
    assert_eq!(backlog(&bound("127.0.0.1:0")), longest);
    let with = |connections| {
        let options = BindOptions::new().backlog(connections);
        backlog(&bind(&address("127.0.0.1:0"), &options).unwrap())
    };
    assert_eq!(with(7), 7);
    assert_eq!(with(u32::MAX), longest);
}

#[test]
fn the_backlog_of_a_unix_listener_is_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let asked = Address::UnixSeqpacket(UnixName::Path(path.clone()));
    let _listener = bind(&asked, &BindOptions::new().backlog(2)).unwrap();
    // The kernel refuses when more wait than the backlog, so it holds one more.
    let waiting: Vec<_> = (0..3).map(|_| rekindle_unix::Channel::connect(&path).unwrap()).collect();
    let full = rekindle_unix::Channel::connect(&path).unwrap_err();
    assert!(matches!(full, rekindle_unix::ConnectError::Busy { .. }), "{full}");
    drop(waiting);
}

#[test]
fn a_group_shares_one_port_and_its_connections() {
    let count = NonZeroU16::new(4).unwrap();
    let group = bind_group(&address("127.0.0.1:0"), count, &BindOptions::new()).unwrap();
    assert_eq!(group.len(), 4);
    let shared = local(&group[0]);
    assert_ne!(port(&group[0]), 0);
    for socket in &group {
        verify(socket.as_fd(), SocketKind::Tcp, Some(&shared)).unwrap();
        assert!(sockopt::socket_reuseport(socket).unwrap());
    }
    // A stranger without the option is kept out.
    let stranger = bind(&shared, &BindOptions::new()).unwrap_err();
    assert!(matches!(stranger, BindError::InUse { .. }), "{stranger}");
    let connections: Vec<TcpStream> =
        (0..64).map(|_| TcpStream::connect(shared.internet().unwrap().socket()).unwrap()).collect();
    let listeners: Vec<TcpListener> = group.into_iter().map(TcpListener::from).collect();
    let accepted: Vec<usize> = listeners
        .iter()
        .map(|listener| std::iter::from_fn(|| listener.accept().ok()).count())
        .collect();
    assert_eq!(accepted.iter().sum::<usize>(), connections.len());
    let busy = accepted.iter().filter(|accepted| **accepted > 0).count();
    assert!(busy > 1, "one socket got everything: {accepted:?}");
}

#[test]
fn a_group_of_udp_sockets_has_one_port_and_unix_has_no_groups() {
    let count = NonZeroU16::new(3).unwrap();
    let group = bind_group(&address("udp:[::1]:0"), count, &BindOptions::new()).unwrap();
    let ports: Vec<u16> = group.iter().map(port).collect();
    assert_eq!(ports, [ports[0]; 3]);
    let directory = tempfile::tempdir().unwrap();
    let asked = Address::UnixStream(UnixName::Path(directory.path().join("x.sock")));
    let error = bind_group(&asked, count, &BindOptions::new()).unwrap_err();
    assert!(matches!(error, BindError::NotShareable { .. }), "{error}");
    assert!(!directory.path().join("x.sock").exists());
}

#[test]
fn a_single_listener_does_not_share_its_port() {
    let socket = bound("127.0.0.1:0");
    assert!(!sockopt::socket_reuseport(&socket).unwrap());
    let error = bind(&local(&socket), &BindOptions::new().reuse_port(true)).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error}");
}

#[test]
fn connections_in_time_wait_do_not_stand_in_the_way() {
    let socket = bound("127.0.0.1:0");
    let asked = local(&socket);
    let mut client = TcpStream::connect(asked.internet().unwrap().socket()).unwrap();
    let listener = TcpListener::from(socket);
    let (server, _) = listener.accept().unwrap();
    // The server closes first, so the waiting is on its port.
    drop(server);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    drop(client);
    drop(listener);
    drop(bind(&asked, &BindOptions::new()).unwrap());
}

#[test]
fn an_address_in_use_is_named_with_what_to_do() {
    let socket = bound("127.0.0.1:0");
    let taken = local(&socket);
    let error = bind(&taken, &BindOptions::new()).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }));
    let text = error.to_string();
    assert!(text.starts_with(&format!("bind `{taken}`: another process has it")), "{text}");
    assert!(text.contains("stop that process"), "{text}");
    assert!(error.source().is_some());
}

#[test]
fn a_name_in_use_is_refused_in_every_family() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock").display().to_string();
    let name = abstract_name(directory.path());
    for place in [path, name] {
        for scheme in ["unix", "unix-datagram", "unix-seqpacket"] {
            let socket = bound(&format!("{scheme}:{place}"));
            let error = refused(&format!("{scheme}:{place}"));
            assert!(matches!(error, BindError::InUse { .. }), "{error}");
            drop(socket);
        }
    }
    let udp = bound("udp:127.0.0.1:0");
    let error = bind(&local(&udp), &BindOptions::new()).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error}");
}

#[test]
fn an_address_that_no_interface_has_is_told() {
    // Reserved for documentation by RFC 5737.
    let error = refused("192.0.2.1:0");
    assert!(matches!(error, BindError::NotAvailable { .. }), "{error}");
    assert!(error.to_string().contains("no interface of this machine"), "{error}");
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = refused(&format!("unix:{}/x.sock", missing.display()));
    assert!(
        matches!(&error, BindError::DirectoryMissing { directory, .. } if *directory == missing)
    );
    let text = error.to_string();
    assert!(text.contains(&format!("the directory `{}` does not exist", missing.display())));
}

#[test]
fn what_is_no_socket_stands_fast() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("precious");
    std::fs::write(&path, "precious").unwrap();
    let error = refused(&format!("unix:{}", path.display()));
    assert!(matches!(error, BindError::NotASocket { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn names_that_the_kernel_would_bend_are_refused() {
    let long = PathBuf::from("x".repeat(108));
    for name in [
        UnixName::Path(PathBuf::new()),
        UnixName::Path(long),
        UnixName::Path("a\0b".into()),
        UnixName::Abstract(Vec::new()),
        UnixName::Abstract(vec![b'x'; 108]),
    ] {
        let error = bind(&Address::UnixStream(name), &BindOptions::new()).unwrap_err();
        assert!(matches!(error, BindError::Name { .. }), "{error}");
    }
}

#[test]
fn a_dead_socket_is_replaced_by_any_kind_and_serves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    drop(UnixDatagram::bind(&path).unwrap());
    let listener = UnixListener::from(bound(&format!("unix:{}", path.display())));
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"hello").unwrap();
    drop(client);
    let mut heard = String::new();
    listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
}

#[test]
fn with_port_zero_the_system_chooses_and_says_which() {
    let socket = bound("127.0.0.1:0");
    let bound = local(&socket).internet().unwrap().socket();
    assert_eq!(bound.ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(TcpListener::from(socket).local_addr().unwrap(), bound);
    assert_ne!(bound, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
}
