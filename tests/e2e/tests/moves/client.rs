//! A client of the server of lines, which notices everything.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;

use rekindle_e2e::{PATIENCE, Server};

/// A client with one connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    lines: u64,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) generation: u64,
    pub(crate) pid: u32,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.socket_address("lines")).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream), lines: 0 }
    }

    /// Sends bytes that are no whole line.
    pub(crate) fn say(&mut self, bytes: &str) {
        self.stream.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// Ends a line that is `line` as a whole. The answer has to be to it, and to know how many
    /// there were before.
    pub(crate) fn end(&mut self, line: &str) -> Answered {
        self.say("\n");
        self.answer(line).expect("the connection is not closed")
    }

    fn answer(&mut self, line: &str) -> Option<Answered> {
        self.lines += 1;
        let mut answer = String::new();
        match self.stream.read_line(&mut answer) {
            Ok(1..) => {}
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("no answer: {error}"),
        }
        let mut words = answer.trim_end().splitn(4, ' ');
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (generation, pid, lines) = (number().unwrap(), number().unwrap(), number().unwrap());
        assert_eq!((lines, words.next()), (self.lines, Some(line)), "`{answer}`");
        Some(Answered { generation, pid: u32::try_from(pid).unwrap() })
    }

    /// Sends a line; no answer if the connection is closed.
    pub(crate) fn try_ask(&mut self, line: &str) -> Option<Answered> {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).ok()?;
        self.answer(line)
    }

    /// Sends a line.
    pub(crate) fn ask(&mut self, line: &str) -> Answered {
        self.say(line);
        self.end(line)
    }
}
