//! A client with one kept connection, for what is asked by hand.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::example::eventually;
use crate::process::DEADLINE;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: String,
}

/// One of a stream of events.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) data: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap()
    }

    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send_get(path);
        self.answer()
    }

    pub(crate) fn send_get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    /// The head of an upload, and of its five bytes the first two.
    pub(crate) fn begin_upload(&mut self) {
        self.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhe");
    }

    pub(crate) fn finish_upload(&mut self) -> Answer {
        self.send("llo");
        self.answer()
    }

    /// Asks a first generation that is leaving, until it says goodbye and closes.
    pub(crate) fn await_goodbye(&mut self) {
        eventually("a goodbye", || {
            let answer = self.get("/");
            assert_eq!(answer.generation(), 1);
            answer.says_close()
        });
        self.assert_closed();
    }

    /// Reads a whole answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let status_line = self.line();
        let status =
            status_line.strip_prefix("HTTP/1.1 ").expect("an answer")[..3].parse().unwrap();
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            fields.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Answer { status, fields, body: String::new() };
        let length = answer.field("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// The head of an answer, and the first event of it.
    pub(crate) fn event(&mut self) -> Event {
        while !self.line().is_empty() {}
        self.next_event().expect("an event")
    }

    /// The next event, which is in a chunk of its own; none if the stream has ended.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let length = usize::from_str_radix(&self.line(), 16).expect("the length of a chunk");
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk).unwrap();
        assert_eq!(self.line(), "");
        let chunk = String::from_utf8(chunk).unwrap();
        let field = |name| chunk.lines().find_map(|line| line.strip_prefix(name));
        let id = field("id: ")?.parse().unwrap();
        Some(Event { id, data: field("data: ").unwrap().to_owned() })
    }

    /// Waits until the server closes, and asserts that it says nothing before.
    pub(crate) fn assert_closed(&mut self) {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).expect("a close, not a reset");
        assert_eq!(rest, "");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("half a line: {line:?}")).to_owned()
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The generation that gave it.
    pub(crate) fn generation(&self) -> u64 {
        self.field("x-generation").expect("every answer says it").parse().unwrap()
    }

    pub(crate) fn says_close(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}
