//! The new process, as the old one has hold of it.

use std::time::Instant;

use rekindle_core::Message;
use rekindle_unix::{Child, FrameBuffer, Signal};
use tracing::warn;

use crate::link::{Arrival, Link};

/// A new process: the channel to it, and the child that it is if we started it.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) link: Link,
    child: Option<Child>,
    pid: u32,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    /// End of file was read: there is nothing more to wait for.
    Over,
}

impl Successor {
    /// A child of ours.
    pub(super) fn spawned(link: Link, child: Child) -> Self {
        let pid = child.pid();
        Self { link, child: Some(child), pid, reading: Reading::Open }
    }

    /// Somebody else's child, that came to us; its pid is 0 if it is in another pid namespace.
    pub(super) const fn met(link: Link, pid: u32) -> Self {
        Self { link, child: None, pid, reading: Reading::Open }
    }

    /// The process id: of the child, until the process at the other end says its own.
    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// The channel, as long as something can come.
    pub(super) fn open_link(&self) -> Option<&Link> {
        (self.reading == Reading::Open).then_some(&self.link)
    }

    /// The child, as long as it was not reaped.
    pub(super) const fn child(&self) -> Option<&Child> {
        self.child.as_ref()
    }

    /// The next thing that came.
    pub(super) fn receive(&mut self, buffer: &mut FrameBuffer) -> Arrival {
        if self.reading == Reading::Over {
            return Arrival::Nothing;
        }
        let arrival = self.link.receive(buffer);
        match &arrival {
            Arrival::Message(Message::Hello { pid, .. }, _) => self.pid = *pid,
            Arrival::EndOfFile => self.reading = Reading::Over,
            Arrival::Message(..) | Arrival::Garbage(_) | Arrival::Nothing => {}
        }
        arrival
    }

    /// How the child ended, in words, if it has; it is reaped by that.
    pub(super) fn reap(&mut self) -> Option<String> {
        let status = match self.child.as_mut()?.try_wait() {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => return None,
            Err(error) => format!("ended, and its status is lost: {error}"),
        };
        self.child = None;
        Some(status)
    }

    pub(super) fn kill(&self) {
        if let Some(child) = &self.child
            && let Err(error) = child.kill(Signal::Kill)
        {
            warn!(pid = self.pid, %error, "the new process could not be killed");
        }
    }

    pub(super) fn flush(&mut self) {
        self.link.flush();
    }

    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.link.retry_at()
    }
}
