//! `Interrupt`: the signals that end a command early, and not before it has cleaned up.

use std::io;

use rekindle::Signal;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The signals that end a command early. From its making on they do nothing else any more.
#[derive(Debug)]
pub(crate) struct Interrupt {
    hangup: Stream,
    interrupt: Stream,
    terminate: Stream,
}

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first of them.
    pub(crate) async fn arrived(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Hup,
            _ = self.interrupt.recv() => Signal::Int,
            _ = self.terminate.recv() => Signal::Term,
        }
    }
}
