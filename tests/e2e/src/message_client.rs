//! A strict client for a listener of any kind. Owns the way of asking that each kind has; refuses
//! to ask twice.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixStream};
use std::path::Path;

use rekindle_unix::{Address, UnixName};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use tempfile::TempDir;

use crate::http::HttpClient;
use crate::patience::PATIENCE;

/// The longest answer to a message.
const ANSWER_LIMIT_BYTES: usize = 256;

/// A client of one listener.
#[derive(Debug)]
pub struct Correspondent {
    transport: Transport,
}

/// How a client asks.
#[derive(Debug)]
enum Transport {
    /// HTTP over a new TCP connection each time.
    Tcp(SocketAddr),
    /// HTTP over a new Unix connection each time.
    UnixStream(UnixAddress),
    /// One packet over a new connection each time.
    UnixSeqpacket(SocketAddrUnix),
    /// A datagram.
    Udp(UdpSocket),
    /// A datagram; the client's own path is in the directory, which goes with it.
    UnixDatagram { socket: UnixDatagram, _directory: TempDir },
}

impl Correspondent {
    /// A client of the listener at this address, as a status gives it.
    #[must_use]
    pub fn of(address: &str) -> Self {
        let transport = match address.parse().unwrap() {
            Address::Tcp(internet) => Transport::Tcp(reachable(internet.socket())),
            Address::Udp(internet) => Transport::Udp(udp(reachable(internet.socket())).unwrap()),
            Address::UnixStream(name) => Transport::UnixStream(unix(&name)),
            Address::UnixDatagram(name) => {
                let directory = TempDir::new().unwrap();
                let socket = unix_datagram(directory.path(), &name).unwrap();
                Transport::UnixDatagram { socket, _directory: directory }
            }
            Address::UnixSeqpacket(UnixName::Path(path)) => {
                Transport::UnixSeqpacket(SocketAddrUnix::new(path).unwrap())
            }
            Address::UnixSeqpacket(UnixName::Abstract(name)) => {
                Transport::UnixSeqpacket(SocketAddrUnix::new_abstract_name(&name).unwrap())
            }
        };
        Self { transport }
    }

    /// Asks with this number, and returns the generation that answered.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidData` if the answer is to another question.
    pub fn ask(&mut self, number: u64) -> io::Result<u64> {
        let message = format!("message {number}");
        let mut buffer = [0; ANSWER_LIMIT_BYTES];
        let length_bytes = match &mut self.transport {
            Transport::Tcp(address) => return over_http(HttpClient::connect(*address)?, &message),
            Transport::UnixStream(address) => {
                let stream = UnixStream::connect_addr(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return over_http(HttpClient::over(stream), &message);
            }
            Transport::UnixSeqpacket(address) => packet(address, &message, &mut buffer)?,
            Transport::Udp(socket) => {
                socket.send(message.as_bytes())?;
                socket.recv(&mut buffer)?
            }
            Transport::UnixDatagram { socket, .. } => {
                socket.send(message.as_bytes())?;
                socket.recv(&mut buffer)?
            }
        };
        generation(&buffer[..length_bytes], &message)
    }
}

fn over_http(mut client: HttpClient<impl Read + Write>, message: &str) -> io::Result<u64> {
    let answer = client.echo(message.as_bytes())?;
    if answer.body == message.as_bytes() {
        Ok(answer.generation)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

fn packet(address: &SocketAddrUnix, message: &str, buffer: &mut [u8]) -> io::Result<usize> {
    let flags = SocketFlags::CLOEXEC;
    let socket: OwnedFd =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    rustix::net::connect(&socket, address)?;
    rustix::net::send(&socket, message.as_bytes(), SendFlags::NOSIGNAL)?;
    let (length_bytes, _) = rustix::net::recv(&socket, buffer, RecvFlags::empty())?;
    Ok(length_bytes)
}

/// What is bound to all addresses is reached by the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let own = if address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(own)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn unix(name: &UnixName) -> UnixAddress {
    match name {
        UnixName::Path(path) => UnixAddress::from_pathname(path).unwrap(),
        UnixName::Abstract(name) => UnixAddress::from_abstract_name(name).unwrap(),
    }
}

fn unix_datagram(directory: &Path, name: &UnixName) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::bind(directory.join("client"))?;
    socket.connect_addr(&unix(name))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// An answer reads `pid 7 generation 3: message 12`.
fn generation(answer: &[u8], message: &str) -> io::Result<u64> {
    let wrong = || {
        let text = String::from_utf8_lossy(answer).into_owned();
        io::Error::new(io::ErrorKind::InvalidData, format!("`{text}` to `{message}`"))
    };
    let text = std::str::from_utf8(answer).map_err(|_| wrong())?;
    let (who, echo) = text.split_once(": ").ok_or_else(wrong)?;
    let generation = who.rsplit(' ').next().and_then(|number| number.parse().ok());
    if echo == message { generation.ok_or_else(wrong) } else { Err(wrong()) }
}
