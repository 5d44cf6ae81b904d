//! TLS on a socket. Owns the session and what stands between it and the socket; refuses to block,
//! to wait but for readiness, and to judge what an end means.
//!
//! ```text
//!  caller ── try_write ──► session ── flush ───► socket        (at most one buffer stands between)
//!  caller ◄── try_read ─── session ◄── take_in ── socket       (all plaintext goes before its end)
//! ```

mod asynchronous;
mod wire;

use std::io::{self, BufRead as _, Read as _, Write as _};

use rustls::ClientConnection;
use tokio::io::{Interest, Ready};

use self::wire::{Incoming, Outgoing, ReadSocket, unless_blocked};
use crate::account::cause::Cause;
use crate::account::failure::FailureKind;
use crate::account::fault::Fault;
use crate::stream::socket::Socket;
use crate::tls::TlsClient;

/// A connection with TLS; its handshake comes first.
#[derive(Debug)]
pub(crate) struct Encrypted {
    socket: Socket,
    session: ClientConnection,
    /// What comes after the plaintext that is left, once that is known.
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    /// The server said that it ends here (`close_notify`).
    Said,
    /// The socket ended, and nobody had said so.
    Cut,
    Broken(rustls::Error),
}

impl Encrypted {
    pub(crate) fn new(socket: Socket, client: &TlsClient) -> Result<Self, rustls::Error> {
        let session = ClientConnection::new(client.config.clone(), client.name.clone())?;
        Ok(Self { socket, session, end: None })
    }

    /// Agrees with the server on how to talk, and sees that it is the one it should be.
    pub(crate) async fn shake_hands(&mut self) -> Result<(), Fault> {
        let broken = |error: &io::Error| Fault::broken(error);
        while self.session.is_handshaking() {
            let sent = self.flush();
            match self.take_in(Socket::try_read) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // What was not sent is told after what was not read: a server that hangs up
                    // says why first.
                    unless_blocked(sent).map_err(|error| broken(&error))?;
                    self.socket.ready(self.interest()).await.map_err(|error| broken(&error))?;
                }
                taken => taken.map_err(|error| broken(&error))?,
            }
            match &self.end {
                None => {}
                Some(End::Said | End::Cut) => return Err(Fault::LOST),
                Some(End::Broken(error)) => return Err(refusal(error)),
            }
        }
        unless_blocked(self.flush()).map_err(|error| broken(&error))
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What the server chose of what was offered (ALPN, RFC 7301), if it chose.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.session.alpn_protocol()
    }

    /// Waits until reading or writing can go on, and sends what has not been sent yet meanwhile.
    pub(crate) async fn ready(&mut self, interest: Interest) -> io::Result<Ready> {
        if interest.is_readable() && self.has_news() {
            return Ok(Ready::READABLE);
        }
        let wanted = if self.holds_unsent() { interest | Interest::WRITABLE } else { interest };
        let ready = self.socket.ready(wanted).await?;
        if ready.is_writable() {
            unless_blocked(self.flush())?;
        }
        Ok(ready)
    }

    pub(crate) fn try_read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.read(bytes, Socket::try_read)
    }

    pub(crate) fn read_now(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.read(bytes, Socket::read_now)
    }

    /// Takes bytes over, once those before them are sent.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.session.writer().write(bytes)?;
        unless_blocked(self.flush())?;
        Ok(count)
    }

    /// Whether something was taken over and is not sent yet.
    pub(crate) fn holds_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// Sends what was taken over.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Outgoing(&self.socket))?;
        }
        Ok(())
    }

    /// Says that nothing more comes, and ends the sending side.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush()?;
        self.socket.end()
    }

    fn interest(&self) -> Interest {
        match self.holds_unsent() {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        }
    }

    /// Whether there is something to read for which the socket need not be asked.
    fn has_news(&mut self) -> bool {
        self.end.is_some() || self.session.reader().fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    fn read(&mut self, bytes: &mut [u8], read: ReadSocket) -> io::Result<usize> {
        loop {
            // Without plaintext it is an error or nothing: what that means is in `end`.
            if let Ok(count @ 1..) = self.session.reader().read(bytes) {
                return Ok(count);
            }
            match &self.end {
                None => self.take_in(read)?,
                Some(End::Said) => return Ok(0),
                Some(End::Cut) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(End::Broken(error)) => return Err(io::Error::other(error.clone())),
            }
        }
    }

    /// Reads from the socket once, and decrypts what is whole.
    fn take_in(&mut self, read: ReadSocket) -> io::Result<()> {
        let count = self.session.read_tls(&mut Incoming { socket: &self.socket, read })?;
        match self.session.process_new_packets() {
            Ok(state) if state.peer_has_closed() => self.end = Some(End::Said),
            Ok(_) if count == 0 => self.end = Some(End::Cut),
            Ok(_) => {}
            Err(error) => self.end = Some(End::Broken(error)),
        }
        // The session may have to say something to that, such as an alert. If that cannot go now,
        // it goes with the next bytes; if it cannot go at all, reading says why.
        let _ = self.flush();
        Ok(())
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        // A server must be able to tell our end from one that was cut. What cannot go at once does
        // not go: nobody waits for it.
        if !self.session.is_handshaking() && self.end.is_none() && !self.holds_unsent() {
            self.session.send_close_notify();
            let _ = self.flush();
        }
    }
}

/// How a handshake counts that the server or the client did not want to finish.
fn refusal(error: &rustls::Error) -> Fault {
    let cause = Cause::from(error);
    let kind = match cause {
        Cause::Alert { .. } => FailureKind::Refused,
        _ => FailureKind::Wrong,
    };
    Fault { kind, cause }
}

#[cfg(test)]
mod tests;
