//! `Interrupt`: the signals that end the demo early, and not before it has cleaned up.

use std::io;

use rekindle::Signal;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The signals that end the demo early. From its making on they do nothing else any more.
#[derive(Debug)]
pub(super) struct Interrupt {
    hangup: Stream,
    interrupt: Stream,
    terminate: Stream,
}

impl Interrupt {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first of them.
    pub(super) async fn arrived(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Hup,
            _ = self.interrupt.recv() => Signal::Int,
            _ = self.terminate.recv() => Signal::Term,
        }
    }
}
