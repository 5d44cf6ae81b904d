//! The listeners of each kind, served by threads. Refuses to know what the messages mean.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use rekindle::blocking::{
    DatagramSocket, Listener, SeqpacketListener, Service, Stream, TcpListener, UdpSocket,
    UnixDatagramSocket, UnixListener,
};
use rekindle::{Address, Connection, DatagramTransport, ListenError, SocketKind};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tracing::{debug, warn};

use crate::plan::Named;
use crate::talk::{BYE, Talk};

/// The largest message. What is longer is cut, or on a stream the end of the connection.
const MESSAGE_LIMIT_BYTES: u64 = 64 * 1024;

/// A listener of any kind.
#[derive(Debug)]
pub(crate) enum AnyListener {
    Tcp(TcpListener),
    Unix(UnixListener),
    Seqpacket(SeqpacketListener),
    Udp(UdpSocket),
    UnixDatagram(UnixDatagramSocket),
}

/// Inherits or binds a listener.
pub(crate) fn open(service: &mut Service, named: &Named) -> Result<AnyListener, ListenError> {
    let (name, address) = (&named.name, &named.address.to_string());
    match named.address.socket_kind() {
        SocketKind::UnixStream => service.unix(name, address).map(AnyListener::Unix),
        SocketKind::UnixSeqpacket => service.seqpacket(name, address).map(AnyListener::Seqpacket),
        SocketKind::Udp => service.udp(name, address).map(AnyListener::Udp),
        SocketKind::UnixDatagram => {
            service.unix_datagram(name, address).map(AnyListener::UnixDatagram)
        }
        _ => service.tcp(name, address).map(AnyListener::Tcp),
    }
}

impl AnyListener {
    /// The address as it is announced: with the port that port 0 became.
    pub(crate) fn address(&self) -> Option<Address> {
        match self {
            Self::Tcp(listener) => listener.address(),
            Self::Unix(listener) => listener.address(),
            Self::Seqpacket(listener) => listener.address(),
            Self::Udp(socket) => socket.address(),
            Self::UnixDatagram(socket) => socket.address(),
        }
    }

    /// Serves it in a thread, until this process accepts no more.
    pub(crate) fn spawn(self, talk: Talk) {
        thread::spawn(move || match self {
            Self::Tcp(listener) => accept_all(&listener, &talk, lines),
            Self::Unix(listener) => accept_all(&listener, &talk, lines),
            Self::Seqpacket(listener) => accept_all(&listener, &talk, packets),
            Self::Udp(socket) => datagrams(&socket, &talk),
            Self::UnixDatagram(socket) => datagrams(&socket, &talk),
        });
    }
}

/// Serves each connection in a thread of its own.
fn accept_all<S: Stream>(
    listener: &Listener<S>,
    talk: &Talk,
    serve: fn(&Connection<S>, &Talk) -> io::Result<()>,
) {
    while let Some(connection) = listener.accept() {
        let talk = talk.clone();
        let thread = thread::Builder::new().spawn(move || {
            if let Err(error) = serve(&connection, &talk) {
                debug!(%error, "a connection broke");
            }
        });
        if let Err(error) = thread {
            warn!(%error, "no thread for a client, who is turned away");
        }
    }
}

/// A stream: a message is a line. The client closes first.
fn lines<S: Stream>(connection: &Connection<S>, talk: &Talk) -> io::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let (mut reader, mut writer) = (BufReader::new(&**connection), &**connection);
    let mut farewell = Farewell::Owed;
    loop {
        let mut line = Vec::new();
        (&mut reader).take(MESSAGE_LIMIT_BYTES).read_until(b'\n', &mut line)?;
        let Some(message) = line.strip_suffix(b"\n") else {
            return Ok(());
        };
        for mut answer in farewell.append(talk, talk.answer(message)) {
            answer.push(b'\n');
            writer.write_all(&answer)?;
        }
    }
}

/// Sequenced packets: a message is a packet. The client closes first.
fn packets(connection: &Connection<OwnedFd>, talk: &Talk) -> io::Result<()> {
    let mut buffer = message_buffer();
    let mut farewell = Farewell::Owed;
    loop {
        let (length, _) = recv(&**connection, &mut buffer[..], RecvFlags::empty())?;
        if length == 0 {
            return Ok(());
        }
        for answer in farewell.append(talk, talk.answer(&buffer[..length])) {
            send(&**connection, &answer, SendFlags::NOSIGNAL)?;
        }
    }
}

/// Datagrams: there is no connection to take leave of.
fn datagrams<T: DatagramTransport>(socket: &DatagramSocket<T>, talk: &Talk) {
    let mut buffer = message_buffer();
    while let Some(datagram) = socket.receive(&mut buffer) {
        let answer = talk.answer(&buffer[..datagram.length_bytes]);
        if let Err(error) = socket.send(&answer, &datagram.peer) {
            debug!(socket = socket.name(), %error, "an answer could not be sent");
        }
    }
}

/// Whether the client of a connection was asked to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    Owed,
    Said,
}

impl Farewell {
    /// The answer, and once the farewell behind it, if that is due.
    fn append(&mut self, talk: &Talk, answer: Vec<u8>) -> Vec<Vec<u8>> {
        if *self == Self::Owed && talk.goodbye.is_due() {
            *self = Self::Said;
            return vec![answer, BYE.to_vec()];
        }
        vec![answer]
    }
}

fn message_buffer() -> Vec<u8> {
    vec![0; usize::try_from(MESSAGE_LIMIT_BYTES).expect("64 KiB are in every address space")]
}
