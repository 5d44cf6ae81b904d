//! How a server is restarted. Owns the asking and what can go wrong with it; refuses to know
//! whether it helped: that is for the clients to say.

mod command;
mod error;
mod signal;
mod tail;

use std::pin::Pin;

pub use self::command::Command;
pub use self::error::RestartError;
pub use self::signal::{Signal, SignalName, SignalNameError};

/// A restart that has been asked for; it is done when the asking is.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<(), RestartError>> + Send + 'a>>;

/// A way to restart a server.
///
/// A closure that returns a future is one:
///
/// ```
/// use rekindle_prove::{Restart, RestartError};
///
/// fn is_a_way(_: impl Restart) {}
///
/// is_a_way(|number: u32| async move {
///     if number == 0 { Err(RestartError::other("number them from 1")) } else { Ok(()) }
/// });
/// ```
pub trait Restart: Send + Sync + 'static {
    /// Asks for the restart of this number, the first of which is 1.
    ///
    /// It may be done before the new process serves, as after a signal, or long after that: what
    /// counts is what the clients see. It should end by itself: a trial waits for it.
    fn restart(&self, number: u32) -> Asking<'_>;
}

impl<F, Asked> Restart for F
where
    F: Fn(u32) -> Asked + Send + Sync + 'static,
    Asked: Future<Output = Result<(), RestartError>> + Send + 'static,
{
    fn restart(&self, number: u32) -> Asking<'_> {
        Box::pin(self(number))
    }
}
