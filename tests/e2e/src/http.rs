//! A small strict HTTP/1.1 client for single requests that a test takes apart. Owns one
//! connection; refuses to try again. Whole loads are the work of `rekindle-prove`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::patience::PATIENCE;

/// The most fields in the head of an answer.
const FIELD_LIMIT: usize = 16;

/// A connection to a server.
#[derive(Debug)]
pub struct HttpClient<S = TcpStream> {
    stream: S,
    unread: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The process that answered.
    pub pid: u32,
    /// Its generation.
    pub generation: u64,
    /// Whether it said that it closes the connection now.
    pub closes: bool,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpClient {
    /// Connects.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // Each piece of a request goes out as it is sent.
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Its own end of the connection, as the server should see it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn own_address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }
}

impl<S: Read + Write> HttpClient<S> {
    /// A client over a stream that is connected.
    pub const fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// The stream, for what is to be known of it.
    pub(crate) const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends these bytes as they are.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Asks for `path`, on a connection to be kept.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn send_get(&mut self, path: &str) -> io::Result<()> {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: e2e\r\n\r\n").as_bytes())
    }

    /// Asks for `path`, and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`HttpClient::answer`].
    pub fn get(&mut self, path: &str) -> io::Result<HttpAnswer> {
        self.send_get(path)?;
        self.answer()
    }

    /// Has `body` echoed, and waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`HttpClient::answer`].
    pub fn echo(&mut self, body: &[u8]) -> io::Result<HttpAnswer> {
        let length = body.len();
        let head = format!("POST /echo HTTP/1.1\r\nhost: e2e\r\ncontent-length: {length}\r\n\r\n");
        self.send(head.as_bytes())?;
        self.send(body)?;
        self.answer()
    }

    /// Waits for a whole answer.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the connection ends before, `InvalidData` if it is no right answer.
    pub fn answer(&mut self) -> io::Result<HttpAnswer> {
        loop {
            if let Some((answer, length_bytes)) = parse(&self.unread)? {
                self.unread.drain(..length_bytes);
                return Ok(answer);
            }
            if self.read_more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads on, whatever it is, until `text` has come, and returns all up to its end.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the connection ends before.
    pub fn until(&mut self, text: &str) -> io::Result<String> {
        loop {
            let found =
                self.unread.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(start) = found {
                let read = self.unread.drain(..start + text.len()).collect();
                return String::from_utf8(read).map_err(wrong);
            }
            if self.read_more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Waits until the server closes the connection, having sent nothing more.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it sends more, and what the system says.
    pub fn closed(&mut self) -> io::Result<()> {
        match self.read_more() {
            Ok(0) => Ok(()),
            Ok(_) => Err(wrong("bytes that belong to no answer")),
            // A cut connection may be reset, if the server had not read all.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn read_more(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 4096];
        let count = self.stream.read(&mut chunk)?;
        self.unread.extend_from_slice(&chunk[..count]);
        Ok(count)
    }
}

/// The answer at the start of `bytes` and its length, if it is whole.
fn parse(bytes: &[u8]) -> io::Result<Option<(HttpAnswer, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    let head_bytes = match response.parse(bytes).map_err(wrong)? {
        httparse::Status::Complete(length_bytes) => length_bytes,
        httparse::Status::Partial => return Ok(None),
    };
    if response.code != Some(200) {
        return Err(wrong(format!("status {:?}", response.code)));
    }
    let field = |name| field(response.headers, name);
    let body_bytes: usize = number(field("content-length")?)?;
    let Some(body) = bytes.get(head_bytes..head_bytes + body_bytes) else {
        return Ok(None);
    };
    let answer = HttpAnswer {
        pid: number(field("x-pid")?)?,
        generation: number(field("x-generation")?)?,
        closes: field("connection").is_ok_and(|value| value == "close"),
        body: body.to_vec(),
    };
    Ok(Some((answer, head_bytes + body_bytes)))
}

fn field<'a>(fields: &[httparse::Header<'a>], name: &str) -> io::Result<&'a str> {
    let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(|| wrong(format!("no `{name}`")))?;
    std::str::from_utf8(found.value).map_err(wrong)
}

fn number<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str) -> io::Result<T> {
    text.parse().map_err(wrong)
}

fn wrong(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
