//! Listeners handed to another process: each kind is bound here, sent over a channel, checked
//! there, and serves from there without ever having been closed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use rekindle_unix::{
    Address, BindOptions, Channel, ChannelListener, FrameBuffer, Received, SocketKind, SocketPath,
    bind, inspect, verify,
};

use crate::child::{Running, again, is_child};
use crate::events::{DEADLINE, frame, wait_readable};

#[test]
fn every_kind_of_listener_serves_from_the_process_it_was_sent_to() {
    if is_child() {
        play_the_new_process();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let texts = [
        "127.0.0.1:0".to_owned(),
        "[::]:0".to_owned(),
        "tcp6:[::]:0".to_owned(),
        "udp:127.0.0.1:0".to_owned(),
        format!("unix:{}", path("stream")),
        format!("unix:@{}", path("abstract")),
        format!("unix-datagram:{}", path("datagram")),
        format!("unix-seqpacket:{}", path("seqpacket")),
    ];
    let bound: Vec<(Address, OwnedFd)> = texts
        .iter()
        .map(|text| {
            let socket = bind(&text.parse().unwrap(), &BindOptions::new()).unwrap();
            (inspect(socket.as_fd()).unwrap().local.unwrap(), socket)
        })
        .collect();
    let (old, new) = Channel::pair().unwrap();
    let mut command =
        again("handover::every_kind_of_listener_serves_from_the_process_it_was_sent_to");
    command.stdin(OwnedFd::from(new));
    let mut child = Running::start(command);
    for (address, socket) in &bound {
        old.send(address.to_string().as_bytes(), &[socket.as_fd()]).unwrap();
    }
    let addresses: Vec<Address> = bound.into_iter().map(|(address, _closed)| address).collect();
    for address in &addresses {
        assert_eq!(asked(address), child.0.id().to_string(), "{address}");
    }
    assert_eq!(old.peer().unwrap().pid, Some(std::process::id()), "a pair is of who made it");
    drop(old);
    let mut stdout = String::new();
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    while output.read_line(&mut stdout).unwrap() > 0 {}
    let status = child.0.wait().unwrap();
    assert!(status.success() && stdout.contains("1 passed"), "{stdout}");
}

/// Asks whoever serves the address for its process number.
fn asked(address: &Address) -> String {
    let mut answer = String::new();
    match address {
        Address::Tcp(internet) => {
            let mut server = internet.socket();
            if server.ip().is_unspecified() {
                server.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
            }
            TcpStream::connect(server).unwrap().read_to_string(&mut answer).unwrap();
        }
        Address::Udp(internet) => {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            client.send_to(b"?", internet.socket()).unwrap();
            let mut bytes = [0; 32];
            let length = client.recv(&mut bytes).unwrap();
            answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
        }
        Address::UnixStream(_) => {
            connect_stream(address).read_to_string(&mut answer).unwrap();
        }
        Address::UnixDatagram(_) => {
            let server = address.unix_path().unwrap();
            let own = server.with_extension("client");
            let client = UnixDatagram::bind(&own).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            client.send_to(b"?", server).unwrap();
            let mut bytes = [0; 32];
            let length = client.recv(&mut bytes).unwrap();
            answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
        }
        Address::UnixSeqpacket(_) => {
            let client = Channel::connect(address.unix_path().unwrap()).unwrap();
            wait_readable(&client);
            answer = String::from_utf8(frame(&client).0).unwrap();
        }
    }
    answer
}

fn connect_stream(address: &Address) -> UnixStream {
    use std::os::linux::net::SocketAddrExt;
    if let Some(path) = address.unix_path() {
        return UnixStream::connect(path).unwrap();
    }
    let text = address.to_string();
    let name = text.strip_prefix("unix:@").unwrap();
    let server = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    UnixStream::connect_addr(&server).unwrap()
}

/// Takes listeners from the channel at standard input until it ends, and answers one client of
/// each with the number of this process.
fn play_the_new_process() {
    let inherited = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let channel = Channel::from_owned(inherited).unwrap();
    assert!(channel.peer().unwrap().may_control());
    let mut buffer = FrameBuffer::new();
    loop {
        wait_readable(&channel);
        match channel.receive(&mut buffer).unwrap() {
            Received::Frame { bytes, mut descriptors } => {
                let address: Address = std::str::from_utf8(bytes).unwrap().parse().unwrap();
                let socket = descriptors.pop().unwrap();
                assert!(descriptors.is_empty());
                verify(socket.as_fd(), address.socket_kind(), Some(&address)).unwrap();
                serve_once(&address, socket);
            }
            Received::EndOfFile => break,
            Received::WouldBlock => {}
        }
    }
}

fn serve_once(address: &Address, socket: OwnedFd) {
    let answer = std::process::id().to_string();
    let answer = answer.as_bytes();
    wait_readable(&socket);
    match address.socket_kind() {
        SocketKind::Tcp => {
            TcpListener::from(socket).accept().unwrap().0.write_all(answer).unwrap();
        }
        SocketKind::Udp => {
            let socket = UdpSocket::from(socket);
            let (_, client) = socket.recv_from(&mut [0; 8]).unwrap();
            socket.send_to(answer, client).unwrap();
        }
        SocketKind::UnixStream => {
            UnixListener::from(socket).accept().unwrap().0.write_all(answer).unwrap();
        }
        SocketKind::UnixDatagram => {
            let socket = UnixDatagram::from(socket);
            let (_, client) = socket.recv_from(&mut [0; 8]).unwrap();
            socket.send_to_addr(answer, &client).unwrap();
        }
        SocketKind::UnixSeqpacket => {
            let listener = ChannelListener::from_owned(socket).unwrap();
            listener.accept().unwrap().unwrap().send(answer, &[]).unwrap();
        }
        kind => panic!("{kind}"),
    }
    if let Some(path) = address.unix_path() {
        assert!(SocketPath::claim(path).unwrap().remove().unwrap());
    }
}
