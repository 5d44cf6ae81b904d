//! A socket as rustls reads it and writes to it. Refuses to wait.

use std::io;

use crate::stream::socket::Socket;

/// How a socket is read: as far as the reactor knows, or as the kernel itself says.
pub(super) type ReadSocket = fn(&Socket, &mut [u8]) -> io::Result<usize>;

/// The socket as rustls reads it.
pub(super) struct Incoming<'a> {
    pub(super) socket: &'a Socket,
    pub(super) read: ReadSocket,
}

impl io::Read for Incoming<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (self.read)(self.socket, bytes)
    }
}

/// The socket as rustls writes to it.
pub(super) struct Outgoing<'a>(pub(super) &'a Socket);

impl io::Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Blocked is not broken.
pub(super) fn unless_blocked(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        done => done,
    }
}
