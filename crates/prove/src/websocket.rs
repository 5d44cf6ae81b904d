//! Numbered messages over a WebSocket (RFC 6455), each of which comes back. Owns what its frames
//! and its end mean; refuses to count. The framing is `tungstenite`'s.
//!
//! A resting client answers pings. A close frame ends the connection in order: while no message is
//! under way it is a goodbye, under a message the message is lost, and a bare end of file is no
//! goodbye.

mod accept;
mod handshake;
mod wire;

use std::io;

use tokio::time::Instant;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Bytes, Error, Message as Frame};

use self::handshake::Opening;
use self::wire::Wire;
use crate::account::cause::Cause;
use crate::account::failure::{FailureKind, Phase};
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::endpoint::Endpoint;
use crate::group::Group;
use crate::message::Message;
use crate::received::Received;
use crate::stream::{Glance, Stream};
use crate::wrong::WrongAnswer;

/// How much is read at once: `tungstenite` clears so much memory for each read.
const READ_BYTES: usize = 8 * 1024;
/// What a close frame without a code says (RFC 6455 §7.1.5).
const NO_CODE: u16 = 1005;

/// A client of an echo over a WebSocket, on one connection at a time.
#[derive(Debug)]
pub(crate) struct WebSocket {
    message: Message,
    opening: Opening,
    at: At,
}

/// How far its connection is.
#[derive(Debug)]
enum At {
    Nowhere,
    Connected(Stream),
    Open(Box<tungstenite::WebSocket<Wire>>),
}

/// What the server says.
enum Said {
    Message(Bytes),
    Text,
    Goodbye { code: u16 },
}

impl WebSocket {
    pub(crate) fn new(group: &Group, endpoint: &Endpoint, client: u64) -> Self {
        Self {
            message: Message::new(group.request.content_bytes(), client),
            opening: Opening::new(group.request.path(), endpoint),
            at: At::Nowhere,
        }
    }

    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.message.renew(random);
    }

    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        let connected = connector.connect().await?;
        self.at = At::Connected(connected.stream);
        Ok(connected.local_port)
    }

    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        let At::Connected(mut stream) = std::mem::replace(&mut self.at, At::Nowhere) else {
            return Ok(());
        };
        *phase = Phase::Handshaking;
        stream.shake_hands().await?;
        let first = self.opening.open(&mut stream).await?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let socket = tungstenite::WebSocket::from_partially_read(
            Wire::new(stream),
            first,
            Role::Client,
            Some(config),
        );
        self.at = At::Open(Box::new(socket));
        Ok(())
    }

    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        let Self { message, at: At::Open(socket), .. } = self else {
            unreachable!("it is open before it asks");
        };
        *phase = Phase::Sending;
        socket.get_mut().forget_heard();
        let frame = Frame::Binary(Bytes::copy_from_slice(message.bytes()));
        let mut is_sent = done(socket.write(frame))?.is_some();
        loop {
            is_sent = is_sent && *phase != Phase::Sending || done(socket.flush())?.is_some();
            if is_sent && *phase == Phase::Sending {
                *phase = Phase::Awaiting;
            }
            let said = next(socket);
            if socket.get_ref().has_heard() {
                *phase = Phase::Reading;
            }
            match said? {
                Some(Said::Message(bytes)) => {
                    message.compare_whole(&bytes)?;
                    return Ok(Received { at: Instant::now(), keeps: true });
                }
                Some(Said::Text) => return Err(WrongAnswer::Text.into()),
                Some(Said::Goodbye { code }) => {
                    let cause = Cause::Goodbye { code };
                    return Err(Fault { kind: FailureKind::Lost, cause });
                }
                None => {
                    let ready = socket.get_mut().ready().await;
                    ready.map_err(|error| Fault::broken(&error))?;
                }
            }
        }
    }

    pub(crate) fn glance(&mut self) -> Glance {
        let At::Open(socket) = &mut self.at else {
            return Glance::Quiet;
        };
        socket.get_mut().ask_kernel(true);
        let said = next(socket);
        socket.get_mut().ask_kernel(false);
        seen(said)
    }

    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        loop {
            // First what has been read already, such as a frame that came along with another.
            match self.glance() {
                Glance::Quiet => {}
                seen => return seen,
            }
            let At::Open(socket) = &mut self.at else {
                return Glance::Quiet;
            };
            if let Err(error) = socket.get_mut().ready().await {
                return Glance::Ended(Cause::from(&error));
            }
        }
    }

    /// Says goodbye, and waits for the server's: it is the server that ends the connection.
    pub(crate) async fn close(&mut self) -> Glance {
        if let At::Open(socket) = &mut self.at {
            // If it cannot be said, reading tells why.
            let _ = socket.close(None);
        }
        loop {
            match self.until_not_quiet().await {
                Glance::Goodbye => {}
                seen => return seen,
            }
        }
    }

    pub(crate) fn leave(&mut self) {
        self.at = At::Nowhere;
    }
}

/// The next message or goodbye, if it has come. Pings are answered, pongs are passed over.
fn next(socket: &mut tungstenite::WebSocket<Wire>) -> Result<Option<Said>, Fault> {
    loop {
        let said = match done(socket.read())? {
            None => return Ok(None),
            Some(Frame::Binary(bytes)) => return Ok(Some(Said::Message(bytes))),
            Some(Frame::Text(_)) => return Ok(Some(Said::Text)),
            Some(Frame::Close(close)) => {
                let code = close.map_or(NO_CODE, |close| u16::from(close.code));
                Some(Said::Goodbye { code })
            }
            Some(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_)) => None,
        };
        // It was no part of an answer.
        socket.get_mut().forget_heard();
        if said.is_some() {
            // Our own close frame; if it cannot go, the connection is left all the same.
            let _ = socket.flush();
            return Ok(said);
        }
    }
}

/// `None` if it would have blocked.
fn done<T>(done: Result<T, Error>) -> Result<Option<T>, Fault> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(Error::Io(error)) => Err(Fault::broken(&error)),
        Err(Error::ConnectionClosed | Error::AlreadyClosed) => Err(Fault::LOST),
        Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Err(Fault::LOST),
        Err(_) => Err(WrongAnswer::Frame.into()),
    }
}

/// What was said while nothing was asked.
fn seen(said: Result<Option<Said>, Fault>) -> Glance {
    match said {
        Ok(None) => Glance::Quiet,
        Ok(Some(Said::Message(bytes))) => Glance::Bytes(bytes.len()),
        Ok(Some(Said::Text)) => Glance::Wrong(WrongAnswer::Text),
        Ok(Some(Said::Goodbye { .. })) => Glance::Goodbye,
        Err(Fault { cause: Cause::Answer(wrong), .. }) => Glance::Wrong(wrong),
        Err(Fault { cause, .. }) => Glance::Ended(cause),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::write;
    use tokio::net::UnixStream;

    use super::*;
    use crate::group::Mode;
    use crate::request::Request;
    use crate::target::Target;

    /// A client on an open connection, and the server's end of it.
    fn open() -> (WebSocket, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        let endpoint = Endpoint::from(Target::Unix("/nowhere".into()));
        let mut client =
            WebSocket::new(&Group::new(Mode::Keep, Request::message("/", 20)), &endpoint, 1);
        let wire = Wire::new(near.into());
        let socket = tungstenite::WebSocket::from_raw_socket(wire, Role::Client, None);
        client.at = At::Open(Box::new(socket));
        (client, far)
    }

    #[tokio::test]
    async fn a_glance_sees_what_the_reactor_has_not_heard() {
        // One thread and no await from here on: the reactor cannot run in between.
        let (mut near, far) = open();
        assert_eq!(near.glance(), Glance::Quiet);
        // A message, a pong and a close frame, none masked.
        write(&far, b"\x82\x03abc").unwrap();
        assert_eq!(near.glance(), Glance::Bytes(3));
        write(&far, b"\x8a\x00").unwrap();
        assert_eq!(near.glance(), Glance::Quiet);
        write(&far, b"\x88\x02\x03\xe9").unwrap();
        assert_eq!(near.glance(), Glance::Goodbye);
        let (mut near, far) = open();
        drop(far);
        assert_eq!(near.glance(), Glance::Ended(Cause::EndOfFile));
    }
}
