//! `Signals`: the signals of this process as events to poll for.
//!
//! Owns the handlers and the one self-pipe behind them. Refuses to say what a signal means.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::emulate_default_handler;
use thiserror::Error;

use crate::signal::Signal;

/// A set of signals that this process handles from now on.
///
/// The descriptor of [`AsFd`] can be polled: it reads as ready when one has arrived. Several sets
/// in one process each get every signal of theirs.
///
/// When the set is dropped its signals are swallowed, not given back to their default action: a
/// `SIGTERM` that comes while a server ends in order must not end it in disorder.
#[derive(Debug)]
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// Handles `signals` from now on. A repeated one counts once.
    ///
    /// # Errors
    ///
    /// [`SignalsError`]. Then none is handled, though those before the refused one are swallowed.
    pub fn new(signals: &[Signal]) -> Result<Signals, SignalsError> {
        if let Some(&signal) = signals.iter().find(|signal| !signal.can_be_handled()) {
            return Err(SignalsError::Unhandleable { signal });
        }
        let numbers = signals.iter().map(|signal| signal.number());
        let delivery = UnixStream::pair()
            .and_then(|(read, write)| {
                // A full pipe must not block the handler, nor an empty one the reader.
                read.set_nonblocking(true)?;
                write.set_nonblocking(true)?;
                SignalDelivery::with_pipe(read, write, SignalOnly, numbers)
            })
            .map_err(|source| SignalsError::System { source })?;
        Ok(Signals { delivery })
    }

    /// The signals that have arrived since the last call, each once, by rising number. Never
    /// blocks, and may be empty though the descriptor was ready.
    pub fn pending(&mut self) -> impl Iterator<Item = Signal> + use<> {
        self.delivery.pending().filter_map(Signal::from_number)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

/// Ends this process as `signal` would have if nobody had handled it, so that whoever waits for it
/// sees the truth. A signal that ends no process by default gives the exit status that shells
/// show for one that does: 128 and its number.
///
/// Nothing is flushed and no destructor runs.
pub fn die_by(signal: Signal) -> ! {
    if signal.ends_by_default() {
        // It returns for a signal only which it does not know.
        let _ = emulate_default_handler(signal.number());
    }
    std::process::exit(128 + signal.number())
}

/// Why signals cannot be handled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignalsError {
    /// No program may handle this one as an event.
    #[error("handle `{signal}`: no program can")]
    Unhandleable {
        /// The signal.
        signal: Signal,
    },

    /// The system refused.
    #[error("handle signals")]
    System {
        /// What the system said.
        source: io::Error,
    },
}
