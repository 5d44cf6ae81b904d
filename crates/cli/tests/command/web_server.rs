//! A web server on a thread, with each of its faults on a switch; and two echoes.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

/// What the server does with each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers every request.
    Sound,
    /// Closes each connection after so many answers, without a word.
    ClosesAfter(usize),
    /// Says `Connection: close` with each answer of this number, and closes.
    SaysGoodbyeAfter(usize),
}

/// Serves over TCP until the test ends.
pub(crate) fn start(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            thread::spawn(move || converse(reader, stream, manner));
        }
    });
    address
}

/// The same at a path.
pub(crate) fn start_at(path: &Path, manner: Manner) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            thread::spawn(move || converse(reader, stream, manner));
        }
    });
}

/// Sends back what comes, over TCP.
pub(crate) fn start_echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut back = stream.try_clone().unwrap();
            thread::spawn(move || std::io::copy(&mut stream, &mut back));
        }
    });
    address
}

/// The same over UDP.
pub(crate) fn start_datagram_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).unwrap();
            // Who asked may be gone; nobody else is to suffer from that.
            let _ = socket.send_to(&bytes[..length], from);
        }
    });
    address
}

/// Answers with the head of the request as the body, so that a test sees what was sent.
fn converse(mut reader: impl BufRead, mut writer: impl Write, manner: Manner) {
    for number in 1.. {
        let Some(head) = read_head(&mut reader) else {
            return;
        };
        let says_close = manner == Manner::SaysGoodbyeAfter(number);
        let closes = says_close
            || manner == Manner::ClosesAfter(number)
            || head.contains("connection: close");
        let goodbye = if says_close { "connection: close\r\n" } else { "" };
        let length = head.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{goodbye}content-length: {length}\r\n\r\n{head}");
        if writer.write_all(answer.as_bytes()).is_err() || closes {
            return;
        }
    }
}

/// Until the empty line; `None` at the end of file, or if the client has gone.
fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if &head[before..] == "\r\n" {
            return Some(head);
        }
    }
}
