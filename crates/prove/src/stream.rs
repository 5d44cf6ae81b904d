//! A connected socket, TCP or Unix. Owns the difference between the two; refuses to know what is
//! said on it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::{RecvFlags, recv};
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

use crate::account::failure::Cause;

/// A connected socket, never blocking.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What stands on a connection on which nothing is expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    Quiet,
    Bytes(usize),
    Ended(Cause),
}

impl Stream {
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await,
            Self::Unix(stream) => stream.ready(interest).await,
        }
    }

    pub(crate) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(bytes),
            Self::Unix(stream) => stream.try_read(bytes),
        }
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Looks, without waiting, for what should not be there. Bytes that it finds are used up.
    pub(crate) fn glance(&self) -> Glance {
        let mut bytes = [0; 512];
        let read = match self.try_read(&mut bytes) {
            // The reactor may not have heard yet of what the kernel knows already, and the verdict
            // "between requests" or "crossed" hangs on that: ask the kernel itself.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                recv(self, &mut bytes, RecvFlags::DONTWAIT)
                    .map(|(count, _)| count)
                    .map_err(io::Error::from)
            }
            read => read,
        };
        match read {
            Ok(0) => Glance::Ended(Cause::EndOfFile),
            Ok(count) => Glance::Bytes(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Glance::Quiet,
            Err(error) => Glance::Ended(Cause::from(&error)),
        }
    }

    /// Waits until there is something to see.
    pub(crate) async fn until_not_quiet(&self) -> Glance {
        loop {
            if let Err(error) = self.ready(Interest::READABLE).await {
                return Glance::Ended(Cause::from(&error));
            }
            match self.glance() {
                Glance::Quiet => {}
                seen @ (Glance::Bytes(_) | Glance::Ended(_)) => return seen,
            }
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
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
        (Stream::Tcp(near.unwrap()), far.unwrap().0)
    }

    #[tokio::test]
    async fn a_glance_sees_what_the_reactor_has_not_heard() {
        // One thread and no await from here on: the reactor cannot run in between.
        let (near, far) = tcp_pair().await;
        assert_eq!(near.glance(), Glance::Quiet);
        write(&far, b"abc").unwrap();
        assert_eq!(near.glance(), Glance::Bytes(3));
        assert_eq!(near.glance(), Glance::Quiet);
        drop(far);
        assert_eq!(near.glance(), Glance::Ended(Cause::EndOfFile));
    }

    #[tokio::test]
    async fn a_reset_is_told_from_an_end_of_file() {
        let (near, far) = tcp_pair().await;
        far.set_zero_linger().unwrap();
        drop(far);
        let errno = Errno::CONNRESET.raw_os_error();
        assert_eq!(near.until_not_quiet().await, Glance::Ended(Cause::System { errno }));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_first_thing_to_see() {
        let (near, far) = UnixStream::pair().unwrap();
        let near = Stream::Unix(near);
        assert_eq!(near.glance(), Glance::Quiet);
        let (seen, written) = tokio::join!(near.until_not_quiet(), async { far.try_write(b"x") });
        assert_eq!((seen, written.unwrap()), (Glance::Bytes(1), 1));
        drop(far);
        assert_eq!(near.until_not_quiet().await, Glance::Ended(Cause::EndOfFile));
    }
}
