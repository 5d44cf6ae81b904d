//! The client's side of the control protocol.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LINE_LIMIT_BYTES;
use super::reply::Reply;
use super::request::Request;

/// A connection to the control socket of a service. It takes one request.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: UnixStream,
}

impl Client {
    /// Connects to the control socket at `path`.
    ///
    /// # Errors
    ///
    /// If nobody answers there, or it belongs to somebody else.
    pub fn connect(path: impl AsRef<Path>) -> Result<Self, ClientError> {
        let path = path.as_ref().to_owned();
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Self { path, stream }),
            Err(source) => Err(ClientError::Connect { path, source }),
        }
    }

    /// Gives up on a reply that does not come within `timeout`; without, it waits for ever.
    ///
    /// # Errors
    ///
    /// If the timeout is zero.
    pub fn reply_timeout(self, timeout: Option<Duration>) -> Result<Self, ClientError> {
        match self.stream.set_read_timeout(timeout) {
            Ok(()) => Ok(self),
            Err(source) => Err(ClientError::Lost { path: self.path, source }),
        }
    }

    /// Sends the request. The replies come as they happen.
    ///
    /// # Errors
    ///
    /// If the service is gone.
    pub fn send(mut self, request: &Request) -> Result<Replies, ClientError> {
        let sent = writeln!(self.stream, "{}", request.to_line())
            .and_then(|()| self.stream.shutdown(Shutdown::Write));
        match sent {
            Ok(()) => {
                let reader = BufReader::new(self.stream);
                Ok(Replies { path: self.path, reader, state: Reading::More })
            }
            Err(source) => Err(ClientError::Lost { path: self.path, source }),
        }
    }
}

/// The replies to one request, up to the final one.
#[derive(Debug)]
pub struct Replies {
    path: PathBuf,
    reader: BufReader<UnixStream>,
    state: Reading,
}

#[derive(Debug)]
enum Reading {
    More,
    Over,
}

impl Replies {
    /// Waits for the final reply and leaves out what comes before it.
    ///
    /// # Errors
    ///
    /// If the service went away before it came.
    pub fn last(mut self) -> Result<Reply, ClientError> {
        loop {
            let reply = self.next_reply()?;
            if reply.is_final() {
                return Ok(reply);
            }
        }
    }

    /// The next reply that we know.
    fn next_reply(&mut self) -> Result<Reply, ClientError> {
        loop {
            let reply = self.read_reply()?;
            if reply != Reply::Unknown {
                return Ok(reply);
            }
        }
    }

    fn read_reply(&mut self) -> Result<Reply, ClientError> {
        let mut line = Vec::new();
        let limit = u64::try_from(LINE_LIMIT_BYTES).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut line);
        let lost = |source| ClientError::Lost { path: self.path.clone(), source };
        match read {
            Ok(0) => Err(lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Reply::from_line(&line)
                .map_err(|source| ClientError::NotAReply { path: self.path.clone(), source }),
            Err(source) => Err(lost(source)),
        }
    }
}

impl Iterator for Replies {
    type Item = Result<Reply, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.state {
            Reading::Over => None,
            Reading::More => {
                let reply = self.next_reply();
                if reply.as_ref().map_or(true, Reply::is_final) {
                    self.state = Reading::Over;
                }
                Some(reply)
            }
        }
    }
}

/// Why a service could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody answers at the path.
    #[error("connect to the control socket `{path}`: is the service running?")]
    Connect {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The service went away, or does not answer.
    #[error("hear from the service at `{path}`: it went away before the answer was whole")]
    Lost {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer is in no words that we know.
    #[error("understand the service at `{path}`: it speaks another protocol")]
    NotAReply {
        /// The path.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}
