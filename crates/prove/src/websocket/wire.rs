//! A stream as `tungstenite` reads and writes it. Owns what it tells of these calls; refuses to
//! wait.

use std::io;

use tokio::io::Interest;

use crate::stream::Stream;

/// A stream, and what became of the last calls on it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    /// Whether the kernel itself is asked for what has come.
    asks_kernel: bool,
    /// Whether the last write found no room.
    is_write_blocked: bool,
    /// Whether bytes have come since this was last reset.
    has_heard: bool,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, asks_kernel: false, is_write_blocked: false, has_heard: false }
    }

    /// Waits until what was blocked may go on.
    pub(crate) async fn ready(&mut self) -> io::Result<()> {
        let interest = match self.is_write_blocked {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        self.stream.ready(interest).await.map(|_| ())
    }

    /// Has the kernel itself asked from now on, or no longer.
    pub(crate) fn ask_kernel(&mut self, asks: bool) {
        self.asks_kernel = asks;
    }

    pub(crate) fn has_heard(&self) -> bool {
        self.has_heard
    }

    pub(crate) fn forget_heard(&mut self) {
        self.has_heard = false;
    }
}

impl io::Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = match self.asks_kernel {
            true => self.stream.read_now(bytes),
            false => self.stream.try_read(bytes),
        };
        self.has_heard |= matches!(read, Ok(1..));
        read
    }
}

impl io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.try_write(bytes);
        self.is_write_blocked = is_blocked(&written);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stream.flush();
        self.is_write_blocked = is_blocked(&flushed);
        flushed
    }
}

fn is_blocked<T>(done: &io::Result<T>) -> bool {
    matches!(done, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
