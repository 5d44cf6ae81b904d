//! What descriptors are said to be: right ones, and every sort of wrong one.

use std::error::Error;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use rekindle_unix::{
    Address, BindOptions, Identity, InspectError, SocketKind, UnixName, bind, inspect,
    open_file_identity, verify, verify_connection,
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, ipproto};

fn socket(
    family: AddressFamily,
    kind: SocketType,
    protocol: Option<rustix::net::Protocol>,
) -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, protocol)
}

fn kind_of(descriptor: impl AsFd) -> SocketKind {
    inspect(descriptor.as_fd()).unwrap().kind
}

#[test]
fn what_is_no_socket_of_ours_is_other() {
    let (reader, writer) = std::io::pipe().unwrap();
    let descriptors: [OwnedFd; 6] = [
        reader.into(),
        writer.into(),
        tempfile::tempfile().unwrap().into(),
        File::open("/dev/null").unwrap().into(),
        rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap(),
        socket(AddressFamily::NETLINK, SocketType::RAW, None).unwrap(),
    ];
    for descriptor in descriptors {
        let found = inspect(descriptor.as_fd()).unwrap();
        assert_eq!(found.kind, SocketKind::Other, "{found:?}");
        assert!(!found.listening);
        assert_eq!(found.local, None);
        let error = verify(descriptor.as_fd(), SocketKind::Tcp, None).unwrap_err();
        assert!(matches!(error, InspectError::Kind { found: SocketKind::Other, .. }), "{error}");
    }
}

#[test]
fn an_internet_socket_of_another_protocol_is_other() {
    match socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::UDPLITE)) {
        Ok(lite) => assert_eq!(kind_of(lite), SocketKind::Other),
        Err(errno) => eprintln!("skipped: this machine has no UDP-Lite: {errno}"),
    }
    match socket(AddressFamily::INET, SocketType::STREAM, Some(ipproto::SCTP)) {
        Ok(sctp) => assert_eq!(kind_of(sctp), SocketKind::Other),
        Err(errno) => eprintln!("skipped: this machine has no SCTP: {errno}"),
    }
}

#[test]
fn a_multipath_socket_is_tcp() {
    match socket(AddressFamily::INET, SocketType::STREAM, Some(ipproto::MPTCP)) {
        Ok(mptcp) => assert_eq!(kind_of(mptcp), SocketKind::Tcp),
        Err(errno) => eprintln!("skipped: this machine has no MPTCP: {errno}"),
    }
}

#[test]
fn a_connection_is_told_from_a_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(inspect(listener.as_fd()).unwrap().listening);
    let found = inspect(connection.as_fd()).unwrap();
    assert!(!found.listening);
    let local = connection.local_addr().unwrap();
    assert_eq!(found.local, Some(Address::Tcp(local.into())));
    let error = verify(connection.as_fd(), SocketKind::Tcp, None).unwrap_err();
    assert!(matches!(error, InspectError::NotListening { kind: SocketKind::Tcp, .. }), "{error}");
    let (pair, _) = UnixStream::pair().unwrap();
    let error = verify(pair.as_fd(), SocketKind::UnixStream, None).unwrap_err();
    assert!(matches!(error, InspectError::NotListening { .. }), "{error}");
}

#[test]
fn one_kind_is_not_taken_for_another() {
    let directory = tempfile::tempdir().unwrap();
    let unix = |name: &str| UnixName::Path(directory.path().join(name));
    let sockets = [
        "127.0.0.1:0".parse().unwrap(),
        "udp:127.0.0.1:0".parse().unwrap(),
        Address::UnixStream(unix("stream")),
        Address::UnixDatagram(unix("datagram")),
        Address::UnixSeqpacket(unix("seqpacket")),
    ]
    .map(|address| (address.socket_kind(), bind(&address, &BindOptions::new()).unwrap()));
    for (kind, socket) in &sockets {
        for (expected, _) in &sockets {
            let verdict = verify(socket.as_fd(), *expected, None);
            match verdict {
                Ok(()) => assert_eq!(kind, expected),
                Err(InspectError::Kind { expected: asked, found, descriptor }) => {
                    assert_ne!(kind, expected);
                    assert_eq!((asked, found), (*expected, *kind));
                    assert_eq!(descriptor, socket.as_raw_fd());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_socket_bound_elsewhere_is_refused_and_both_places_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let found = Address::Tcp(listener.local_addr().unwrap().into());
    verify(listener.as_fd(), SocketKind::Tcp, Some(&found)).unwrap();
    let expected: Address = "127.0.0.2:1".parse().unwrap();
    let error = verify(listener.as_fd(), SocketKind::Tcp, Some(&expected)).unwrap_err();
    let text = error.to_string();
    let InspectError::BoundElsewhere { expected: asked, found: told, .. } = error else {
        panic!("{text}");
    };
    assert_eq!((asked, told), (expected.clone(), found.clone()));
    assert!(text.contains(&format!("`{expected}`")), "{text}");
    assert!(text.contains(&format!("`{found}`")), "{text}");
}

#[test]
fn a_dual_stack_listener_is_not_one_for_v6_alone() {
    let socket = bind(&"[::]:0".parse().unwrap(), &BindOptions::new()).unwrap();
    let dual = inspect(socket.as_fd()).unwrap().local.unwrap();
    let only_v6: Address = format!("tcp6:{dual}").parse().unwrap();
    verify(socket.as_fd(), SocketKind::Tcp, Some(&dual)).unwrap();
    let error = verify(socket.as_fd(), SocketKind::Tcp, Some(&only_v6)).unwrap_err();
    assert!(matches!(error, InspectError::BoundElsewhere { .. }), "{error}");
}

#[test]
fn a_path_is_not_an_abstract_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let bytes = path.clone().into_os_string().into_vec();
    let expected = Address::UnixStream(UnixName::Abstract(bytes));
    let error = verify(listener.as_fd(), SocketKind::UnixStream, Some(&expected)).unwrap_err();
    assert!(matches!(error, InspectError::BoundElsewhere { .. }), "{error}");
    let expected = Address::UnixStream(UnixName::Path(path));
    verify(listener.as_fd(), SocketKind::UnixStream, Some(&expected)).unwrap();
}

#[test]
fn a_socket_without_an_address_is_told() {
    let tcp = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    assert_eq!(inspect(tcp.as_fd()).unwrap().local, None);
    let udp = socket(AddressFamily::INET6, SocketType::DGRAM, None).unwrap();
    let expected: Address = "udp:[::]:53".parse().unwrap();
    let error = verify(udp.as_fd(), SocketKind::Udp, Some(&expected)).unwrap_err();
    assert!(matches!(error, InspectError::NotBound { .. }), "{error}");
    let unix = UnixDatagram::unbound().unwrap();
    let expected = Address::UnixDatagram(UnixName::Abstract(b"x".to_vec()));
    let error = verify(unix.as_fd(), SocketKind::UnixDatagram, Some(&expected)).unwrap_err();
    assert!(matches!(error, InspectError::NotBound { .. }), "{error}");
    verify(unix.as_fd(), SocketKind::UnixDatagram, None).unwrap();
}

/// The kernel lets a path fill `sun_path` to the last byte, without the NUL that ends it.
#[test]
fn a_path_without_its_nul_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let room = 108 - directory.path().as_os_str().len() - 1;
    let path = directory.path().join("x".repeat(room));
    assert_eq!(path.as_os_str().len(), 108);
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let found = inspect(socket.as_fd()).unwrap();
    assert_eq!(found.local, Some(Address::UnixStream(UnixName::Path(path))));
}

#[test]
fn an_autobound_socket_has_the_name_that_the_kernel_chose() {
    let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new_unnamed()).unwrap();
    let local = inspect(socket.as_fd()).unwrap().local.unwrap();
    let Address::UnixDatagram(UnixName::Abstract(name)) = &local else { panic!("{local}") };
    assert_eq!(name.len(), 5, "{local}");
}

#[test]
fn copies_of_a_socket_are_one_and_other_sockets_are_not() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let copy = socket.try_clone().unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let identity = open_file_identity(socket.as_fd()).unwrap();
    assert_eq!(open_file_identity(copy.as_fd()).unwrap(), identity);
    assert_ne!(open_file_identity(other.as_fd()).unwrap(), identity);
    assert_eq!(Identity::of_descriptor(&socket).unwrap(), identity);
}

#[test]
fn errors_name_the_descriptor_and_the_kinds() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = verify(socket.as_fd(), SocketKind::UnixSeqpacket, None).unwrap_err();
    let number = socket.as_raw_fd();
    let text = format!(
        "accept descriptor {number}: expected a socket of kind `unix-seqpacket`, found `udp`"
    );
    assert_eq!(error.to_string(), text);
    assert!(error.source().is_none());
}

#[test]
fn a_connection_is_told_from_a_listener_and_from_what_is_not_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    drop(other);
    for connected in [&client, &server] {
        let peer = verify_connection(connected.as_fd(), SocketKind::Tcp).unwrap();
        assert_eq!(peer, Some(connected.peer_addr().unwrap()));
    }
    assert_eq!(verify_connection(one.as_fd(), SocketKind::UnixStream).unwrap(), None);
    // It is connected as well, and its other end has an internet address too.
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    datagrams.connect(listener.local_addr().unwrap()).unwrap();
    let kind = verify_connection(datagrams.as_fd(), SocketKind::Tcp).unwrap_err();
    assert!(matches!(kind, InspectError::Kind { found: SocketKind::Udp, .. }), "{kind}");
    let kind = verify_connection(one.as_fd(), SocketKind::Tcp).unwrap_err();
    assert!(matches!(kind, InspectError::Kind { .. }), "{kind}");

    let directory = tempfile::tempdir().unwrap();
    let unix = UnixListener::bind(directory.path().join("s")).unwrap();
    let fresh = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let not_connected: [(OwnedFd, SocketKind); 3] = [
        (listener.into(), SocketKind::Tcp),
        (fresh, SocketKind::Tcp),
        (unix.into(), SocketKind::UnixStream),
    ];
    for (descriptor, kind) in not_connected {
        let error = verify_connection(descriptor.as_fd(), kind).unwrap_err();
        assert!(matches!(error, InspectError::NotConnected { .. }), "{error}");
    }
    let error =
        verify_connection(tempfile::tempfile().unwrap().as_fd(), SocketKind::Tcp).unwrap_err();
    assert!(matches!(error, InspectError::Kind { found: SocketKind::Other, .. }), "{error}");
}

#[test]
fn a_client_whose_name_fills_its_field_is_a_connection_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server");
    let listener = UnixListener::bind(&path).unwrap();
    let client = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    let name = SocketAddrUnix::new_abstract_name(&[b'x'; 107]).unwrap();
    rustix::net::bind(&client, &name).unwrap();
    rustix::net::connect(&client, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    verify_connection(server.as_fd(), SocketKind::UnixStream).unwrap();
}
