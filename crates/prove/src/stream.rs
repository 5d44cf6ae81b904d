//! A connection of a byte stream, in cleartext or with TLS. Owns the glance at what should not be
//! there; refuses to know what is said on it.

mod asynchronous;
pub(crate) mod encrypted;
pub(crate) mod socket;

use std::io;

use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

use self::encrypted::Encrypted;
use self::socket::Socket;
use crate::account::cause::Cause;
use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::wrong::WrongAnswer;

/// A connection, never blocking.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<Encrypted>),
}

/// What stands on a connection on which nothing is expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    Quiet,
    Bytes(usize),
    /// What nobody asked for, and could not have been right either.
    Wrong(WrongAnswer),
    /// The server said that it ends here.
    Goodbye,
    Ended(Cause),
    /// The connection has ended, and another of those who share it tells of it.
    Left,
}

impl Stream {
    pub(crate) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(encrypted) => encrypted.socket(),
        }
    }

    /// All that comes before the first request, if nothing but requests is said here.
    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        if let Self::Tls(_) = self {
            *phase = Phase::Handshaking;
        }
        self.shake_hands().await
    }

    /// The handshake of TLS, if there is one.
    pub(crate) async fn shake_hands(&mut self) -> Result<(), Fault> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(encrypted) => encrypted.shake_hands().await,
        }
    }

    /// Whether the server chose this protocol in the handshake (ALPN). Without TLS nobody asks it.
    pub(crate) fn speaks(&self, protocol: &[u8]) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(encrypted) => encrypted.protocol() == Some(protocol),
        }
    }

    /// Waits until reading or writing may go on. It may not, after all: it is tried.
    pub(crate) async fn ready(&mut self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Plain(socket) => socket.ready(interest).await,
            Self::Tls(encrypted) => encrypted.ready(interest).await,
        }
    }

    pub(crate) fn try_read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_read(bytes),
            Self::Tls(encrypted) => encrypted.try_read(bytes),
        }
    }

    /// Reads what has come by now, even if the reactor has not heard of it.
    pub(crate) fn read_now(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read_now(bytes),
            Self::Tls(encrypted) => encrypted.read_now(bytes),
        }
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Tls(encrypted) => encrypted.try_write(bytes),
        }
    }

    /// Whether something was written and is not with the kernel yet.
    pub(crate) fn holds_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(encrypted) => encrypted.holds_unsent(),
        }
    }

    /// Hands to the kernel what was written and is not there yet.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(encrypted) => encrypted.flush(),
        }
    }

    /// Says that nothing more comes, and ends the sending side.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.end(),
            Self::Tls(encrypted) => encrypted.end(),
        }
    }

    /// Looks, without waiting, for what should not be there. Bytes that it finds are used up.
    pub(crate) fn glance(&mut self) -> Glance {
        match self.read_now(&mut [0; 512]) {
            Ok(0) => Glance::Ended(Cause::EndOfFile),
            Ok(count) => Glance::Bytes(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Glance::Quiet,
            Err(error) => Glance::Ended(Cause::from(&error)),
        }
    }

    /// Waits until there is something to see.
    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        loop {
            if let Err(error) = self.ready(Interest::READABLE).await {
                return Glance::Ended(Cause::from(&error));
            }
            match self.glance() {
                Glance::Quiet => {}
                seen => return seen,
            }
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Plain(Socket::Tcp(stream))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Plain(Socket::Unix(stream))
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::{Errno, write};
    use tokio::net::TcpListener;

    use super::*;

    async fn tcp_pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(connecting, listener.accept());
        (near.unwrap().into(), far.unwrap().0)
    }

    #[tokio::test]
    async fn a_glance_sees_what_the_reactor_has_not_heard() {
        // One thread and no await from here on: the reactor cannot run in between.
        let (mut near, far) = tcp_pair().await;
        assert_eq!(near.glance(), Glance::Quiet);
        write(&far, b"abc").unwrap();
        assert_eq!(near.glance(), Glance::Bytes(3));
        assert_eq!(near.glance(), Glance::Quiet);
        drop(far);
        assert_eq!(near.glance(), Glance::Ended(Cause::EndOfFile));
    }

    #[tokio::test]
    async fn a_reset_is_told_from_an_end_of_file() {
        let (mut near, far) = tcp_pair().await;
        far.set_zero_linger().unwrap();
        drop(far);
        let errno = Errno::CONNRESET.raw_os_error();
        assert_eq!(near.until_not_quiet().await, Glance::Ended(Cause::System { errno }));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_first_thing_to_see() {
        let (near, far) = UnixStream::pair().unwrap();
        let mut near = Stream::from(near);
        assert_eq!(near.glance(), Glance::Quiet);
        let (seen, written) = tokio::join!(near.until_not_quiet(), async { far.try_write(b"x") });
        assert_eq!((seen, written.unwrap()), (Glance::Bytes(1), 1));
        drop(far);
        assert_eq!(near.until_not_quiet().await, Glance::Ended(Cause::EndOfFile));
    }
}
