//! A client of a listener of any kind: it sends messages and hears messages.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, connect, recv, send, socket,
};
use tempfile::TempDir;

use crate::process::DEADLINE;

const BUFFER_BYTES: usize = 1024;

/// A client of one listener.
pub(crate) enum Peer {
    Stream(BufReader<Box<dyn ReadWrite>>),
    Packets(OwnedFd),
    Udp(UdpSocket),
    /// A client has to be bound to a path, to be answered.
    Datagrams(
        UnixDatagram,
        #[expect(dead_code, reason = "the path is there for as long as its directory is")] TempDir,
    ),
}

pub(crate) trait ReadWrite: Read + Write + Send {}
impl<T: Read + Write + Send> ReadWrite for T {}

impl Peer {
    /// Connects to an address as it was announced by a process in `directory`.
    pub(crate) fn connect(address: &str, directory: &Path) -> Self {
        let (kind, name) = address.split_once(':').unwrap();
        let path = directory.join(name);
        match (kind, name.strip_prefix('@')) {
            ("unix", Some(name)) => Self::abstract_stream(name),
            ("unix", None) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                Self::Stream(BufReader::new(Box::new(stream)))
            }
            ("unix-seqpacket", None) => Self::packets(&path),
            ("unix-datagram", None) => {
                let own = TempDir::new().unwrap();
                let socket = UnixDatagram::bind(own.path().join("client")).unwrap();
                socket.connect(path).unwrap();
                socket.set_read_timeout(Some(DEADLINE)).unwrap();
                Self::Datagrams(socket, own)
            }
            ("udp", None) => {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(name).unwrap();
                socket.set_read_timeout(Some(DEADLINE)).unwrap();
                Self::Udp(socket)
            }
            _ => {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                Self::Stream(BufReader::new(Box::new(stream)))
            }
        }
    }

    /// Sends a message and hears the next one.
    pub(crate) fn ask(&mut self, message: &str) -> String {
        match self {
            Self::Stream(stream) => stream.get_mut().write_all(format!("{message}\n").as_bytes()),
            Self::Packets(socket) => {
                send(socket, message.as_bytes(), SendFlags::NOSIGNAL).map(drop).map_err(Into::into)
            }
            Self::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Datagrams(socket, _) => socket.send(message.as_bytes()).map(drop),
        }
        .unwrap();
        self.hear()
    }

    /// Hears the next message.
    pub(crate) fn hear(&mut self) -> String {
        let mut buffer = [0; BUFFER_BYTES];
        let length = match self {
            Self::Stream(stream) => {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                return line.strip_suffix('\n').expect("a whole line").to_owned();
            }
            Self::Packets(socket) => recv(socket, &mut buffer, RecvFlags::empty()).unwrap().0,
            Self::Udp(socket) => socket.recv(&mut buffer).unwrap(),
            Self::Datagrams(socket, _) => socket.recv(&mut buffer).unwrap(),
        };
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Whether it has a connection, which is to be taken leave of.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Packets(_))
    }

    fn abstract_stream(name: &str) -> Self {
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let stream = UnixStream::connect_addr(&address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self::Stream(BufReader::new(Box::new(stream)))
    }

    fn packets(path: &Path) -> Self {
        let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
        set_socket_timeout(&socket, Timeout::Recv, Some(DEADLINE)).unwrap();
        Self::Packets(socket)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stream(_) => "a stream",
            Self::Packets(_) => "packets",
            Self::Udp(_) => "UDP",
            Self::Datagrams(..) => "Unix datagrams",
        })
    }
}
