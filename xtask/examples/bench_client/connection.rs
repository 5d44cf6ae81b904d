//! One connection to the server: a request at a time, and its answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::fd::{AsFd, BorrowedFd};

const KEPT: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The longest answer of a bench's server, with room to spare.
const ANSWER_LIMIT_BYTES: usize = 2048;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: [u8; ANSWER_LIMIT_BYTES],
    length: usize,
}

/// What came so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The answer is not whole yet.
    Partly,
    /// It is.
    Answered(Answer),
    /// The server has closed, between two answers.
    Closed,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Who gave it.
    pub(crate) pid: u32,
    /// Whether it says that the connection is closed after it.
    pub(crate) announces_close: bool,
}

impl Connection {
    /// Connects. Reading from it never waits.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: [0; ANSWER_LIMIT_BYTES], length: 0 })
    }

    /// Asks, and keeps the connection.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(KEPT)
    }

    /// Asks, and lets the server close the connection.
    pub(crate) fn ask_last(&mut self) -> io::Result<()> {
        self.stream.write_all(LAST)
    }

    /// Reads what is there.
    ///
    /// # Errors
    ///
    /// If the connection is lost, or the answer is not what it should be.
    pub(crate) fn receive(&mut self) -> io::Result<Progress> {
        match self.stream.read(&mut self.received[self.length..]) {
            Ok(0) if self.length == 0 => Ok(Progress::Closed),
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.length += count;
                self.answer()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Progress::Partly),
            Err(error) => Err(error),
        }
    }

    fn answer(&mut self) -> io::Result<Progress> {
        let received = &self.received[..self.length];
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            let full = self.length == ANSWER_LIMIT_BYTES;
            return if full { Err(wrong("its head has no end")) } else { Ok(Progress::Partly) };
        };
        let (head, body) = (Head::parse(&received[..end])?, &received[end + 4..]);
        if body.len() < head.length {
            return Ok(Progress::Partly);
        }
        if body.len() > head.length {
            return Err(wrong("something follows it"));
        }
        let pid = answering_pid(body).ok_or_else(|| wrong("no process names itself"))?;
        self.length = 0;
        Ok(Progress::Answered(Answer { pid, announces_close: head.announces_close }))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What matters to us in the head of an answer.
struct Head {
    length: usize,
    announces_close: bool,
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        if !head.starts_with(b"HTTP/1.1 200 ") {
            return Err(wrong("it is not 200"));
        }
        let (mut length, mut announces_close) = (None, false);
        for line in head.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                length = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            } else if name.eq_ignore_ascii_case(b"connection") {
                announces_close = value.eq_ignore_ascii_case(b"close");
            }
        }
        let length = length.ok_or_else(|| wrong("it has no length"))?;
        Ok(Self { length, announces_close })
    }
}

/// The process id in the body `pid N generation G`.
fn answering_pid(body: &[u8]) -> Option<u32> {
    let mut words = body.split(|byte| *byte == b' ');
    let pid = words.next().filter(|word| *word == b"pid").and_then(|_| words.next())?;
    str::from_utf8(pid).ok()?.parse().ok()
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("understand an answer: {what}"))
}
