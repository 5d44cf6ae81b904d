//! One connection to the control socket.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rekindle_unix::PeerCredentials;
use rustix::event::PollFlags;

use crate::control::{LINE_LIMIT_BYTES, Reply, Request, RequestError, Wait};

/// The most bytes that wait for a reader that does not read.
const UNREAD_LIMIT_BYTES: usize = 1024 * 1024;

/// A connection.
#[derive(Debug)]
pub(in crate::driver) struct Operator {
    stream: UnixStream,
    state: State,
    unsent: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// It has not asked yet.
    Asking { line: Vec<u8>, before: Instant },
    /// It asked for something that is answered at once.
    Asked,
    /// It waits for the verdict of an upgrade.
    Upgrading(Wait),
    /// It waits for the stop.
    Stopping,
    /// All is said that will be; it is sent as the reader reads.
    Answered,
}

/// What a connection had to say.
#[derive(Debug)]
pub(super) enum Heard {
    Nothing,
    Request(Request),
    NoRequest(RequestError),
    Gone,
}

impl Operator {
    pub(super) const fn new(stream: UnixStream, before: Instant) -> Self {
        Self { stream, state: State::Asking { line: Vec::new(), before }, unsent: Vec::new() }
    }

    pub(super) fn peer(&self) -> io::Result<PeerCredentials> {
        PeerCredentials::of(self.stream.as_fd())
    }

    /// When it has to have asked, if it has not.
    pub(super) const fn ask_before(&self) -> Option<Instant> {
        match &self.state {
            State::Asking { before, .. } => Some(*before),
            State::Asked | State::Upgrading(_) | State::Stopping | State::Answered => None,
        }
    }

    /// Which verdict of an upgrade it waits for.
    pub(super) const fn waits_for(&self) -> Option<Wait> {
        match &self.state {
            State::Upgrading(wait) => Some(*wait),
            State::Asking { .. } | State::Asked | State::Stopping | State::Answered => None,
        }
    }

    pub(super) const fn waits_for_stop(&self) -> bool {
        matches!(self.state, State::Stopping)
    }

    pub(super) fn wait_for(&mut self, wait: Wait) {
        self.state = State::Upgrading(wait);
    }

    pub(super) fn wait_for_stop(&mut self) {
        self.state = State::Stopping;
    }

    /// What to wait for. Whoever has asked has nothing more to say: then only its going away is
    /// of interest, which `poll(2)` reports unasked.
    pub(in crate::driver) fn interest(&self) -> PollFlags {
        match &self.state {
            State::Asking { .. } => PollFlags::IN,
            _ if !self.unsent.is_empty() => PollFlags::OUT,
            State::Asked | State::Upgrading(_) | State::Stopping | State::Answered => {
                PollFlags::empty()
            }
        }
    }

    /// Takes in what woke us: a request that came, room for what waits, or the end.
    pub(super) fn hear(&mut self) -> Heard {
        match &self.state {
            State::Asking { .. } => self.read(),
            State::Asked | State::Upgrading(_) | State::Stopping | State::Answered => {
                if !self.unsent.is_empty() && self.send() { Heard::Nothing } else { Heard::Gone }
            }
        }
    }

    fn read(&mut self) -> Heard {
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return self.end_of_file(),
                Ok(count) => {
                    if let Some(heard) = self.take(&chunk[..count]) {
                        return heard;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Heard::Gone,
            }
        }
    }

    /// Sends a reply. Returns whether the connection is still of use.
    pub(super) fn tell(&mut self, reply: &Reply) -> bool {
        if reply.is_final() {
            self.state = State::Answered;
        }
        self.unsent.extend_from_slice(reply.to_line().as_bytes());
        self.unsent.push(b'\n');
        self.unsent.len() <= UNREAD_LIMIT_BYTES && self.send()
    }

    /// Refuses whoever it is, and lets the connection go.
    pub(super) fn refuse(mut self, reason: &str, message: &str) {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        self.tell(&Reply::Refused { reason, message });
    }

    fn take(&mut self, bytes: &[u8]) -> Option<Heard> {
        let State::Asking { line, .. } = &mut self.state else {
            return None;
        };
        line.extend_from_slice(bytes);
        let end = line.iter().position(|&byte| byte == b'\n');
        if end.is_none() && line.len() <= LINE_LIMIT_BYTES {
            return None;
        }
        line.truncate(end.unwrap_or(line.len()));
        Some(self.asked())
    }

    /// The last line may lack its line feed.
    fn end_of_file(&mut self) -> Heard {
        match &self.state {
            State::Asking { line, .. } if !line.is_empty() => self.asked(),
            State::Asking { .. }
            | State::Asked
            | State::Upgrading(_)
            | State::Stopping
            | State::Answered => Heard::Gone,
        }
    }

    fn asked(&mut self) -> Heard {
        match std::mem::replace(&mut self.state, State::Asked) {
            State::Asking { line, .. } => match Request::from_line(&line) {
                Ok(request) => Heard::Request(request),
                Err(error) => Heard::NoRequest(error),
            },
            State::Asked | State::Upgrading(_) | State::Stopping | State::Answered => {
                Heard::Nothing
            }
        }
    }

    /// Sends as much as fits. Returns whether the connection is still of use.
    fn send(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => return false,
                Ok(count) => {
                    self.unsent.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        !matches!(self.state, State::Answered)
    }
}

impl AsFd for Operator {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
