//! The grace of a goodbye over HTTP/2: time for the requests that a client had begun before it
//! heard of it.
//!
//! h2 says GOAWAY twice. The first one names no last stream, and a PING follows it at once; when
//! that is answered, the second one names the last stream that had come by then, and what comes
//! later is refused. But a client may answer a PING ahead of requests that wait to be written
//! (RFC 9113, section 6.7, asks for just that). So this PING is held back for a moment, in which
//! the client reads the first GOAWAY and writes what it had begun.
//!
//! It knows one frame by its bytes, and understands nothing else of what is written.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep};

/// How long the PING is held back, and all that is to be written behind it: several round trips of
/// most networks, and less than a client notices in an answer.
const GRACE: Duration = Duration::from_millis(25);

/// The PING by which h2 learns that its first GOAWAY was read: its header, and what it carries.
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0\x0b\x7b\xa2\xf0\x8b\x9b\xfe\x54";

/// A stream that holds that PING back once the client is sent away.
#[derive(Debug)]
pub(crate) struct Grace<IO> {
    stream: IO,
    away: Away,
    state: State,
}

/// Whether the client is sent away. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Away(Arc<AtomicBool>);

/// `Ahead ──► Holding ──► Over`.
#[derive(Debug)]
enum State {
    /// The PING was not written yet.
    Ahead,
    Holding(Pin<Box<Sleep>>),
    Over,
}

impl Away {
    /// The client is sent away from here on.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<IO: AsyncWrite + Unpin> Grace<IO> {
    pub(crate) fn new(stream: IO, away: Away) -> Self {
        Self { stream, away, state: State::Ahead }
    }

    /// How many of these bytes may be written now.
    fn poll_room(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.state {
                State::Ahead if self.away.is_set() => {
                    match bytes.windows(PING.len()).position(|window| window == PING) {
                        None => return Poll::Ready(Ok(bytes.len())),
                        Some(0) => {
                            // Without the GOAWAY before it the time would pass for nothing.
                            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
                            self.state = State::Holding(Box::pin(sleep(GRACE)));
                        }
                        Some(before) => return Poll::Ready(Ok(before)),
                    }
                }
                State::Ahead | State::Over => return Poll::Ready(Ok(bytes.len())),
                State::Holding(sleep) => {
                    ready!(pin!(unconstrained(sleep.as_mut())).poll(context));
                    self.state = State::Over;
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Grace<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Grace<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = ready!(self.poll_room(context, bytes))?;
        Pin::new(&mut self.stream).poll_write(context, &bytes[..room])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.away.is_set() || self.is_over() {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        // One after the other, until the PING was seen.
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(context, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const GOAWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0";

    #[tokio::test]
    async fn the_ping_behind_a_goodbye_is_written_later_and_what_was_before_it_at_once() {
        let (near, mut far) = duplex(1024);
        let away = Away::default();
        let mut grace = Grace::new(near, away.clone());
        let began = Instant::now();
        // Who is not sent away may be asked in just these words.
        grace.write_all(PING).await.unwrap();
        away.set();
        let words = [GOAWAY, PING, b"an answer", PING].concat();
        let writes = tokio::spawn(async move {
            grace.write_all(&words).await.unwrap();
            grace
        });
        let mut first = vec![0; PING.len() + GOAWAY.len()];
        far.read_exact(&mut first).await.unwrap();
        assert_eq!(first, [PING, GOAWAY].concat());
        let mut rest = vec![0; PING.len() + b"an answer".len() + PING.len()];
        far.read_exact(&mut rest).await.unwrap();
        assert_eq!(rest, [PING, b"an answer", PING].concat());
        assert!(Instant::now() >= began + GRACE);
        assert!(writes.await.unwrap().is_over(), "only the first one is held back");
    }

    #[tokio::test]
    async fn slices_are_held_back_as_well() {
        let (near, mut far) = duplex(1024);
        let away = Away::default();
        let mut grace = Grace::new(near, away.clone());
        away.set();
        let began = Instant::now();
        let writes = tokio::spawn(async move {
            let mut slices = &mut [GOAWAY, PING, b"data"].map(IoSlice::new)[..];
            while !slices.is_empty() {
                let count = grace.write_vectored(slices).await.unwrap();
                IoSlice::advance_slices(&mut slices, count);
            }
        });
        let mut all = vec![0; GOAWAY.len() + PING.len() + b"data".len()];
        far.read_exact(&mut all).await.unwrap();
        writes.await.unwrap();
        assert_eq!(all, [GOAWAY, PING, b"data"].concat());
        assert!(Instant::now() >= began + GRACE);
    }
}
