//! Connections handed from program to program, for threads.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use rustix::io::ioctl_fionbio;

use super::listener::Stream;
use crate::connection::Connection;
use crate::hand_over::{Departing, HandOverError};
use crate::reception::Reception;

/// Connections that older processes [hand over](Connection::hand_over_blocking) to this one.
/// Dropped, it takes no more: those that were not taken yet stay with the older processes, and
/// those that wait in it are closed.
#[derive(Debug)]
pub struct HandedOver<S> {
    reception: Reception,
    stream: PhantomData<fn() -> S>,
}

impl<S: Stream> HandedOver<S> {
    pub(crate) const fn new(reception: Reception) -> Self {
        Self { reception, stream: PhantomData }
    }

    /// The next connection, which is in blocking mode, and the state that the other program gave
    /// it; none once this process is ending and no more can come.
    #[must_use]
    pub fn next(&self) -> Option<(Connection<S>, Vec<u8>)> {
        let blocking = |descriptor: OwnedFd| {
            ioctl_fionbio(&descriptor, false)?;
            Ok(S::from(descriptor))
        };
        loop {
            let arrival = self.reception.mailbox.next_blocking()?;
            let connection = self.reception.connection(arrival, blocking);
            if connection.is_some() {
                return connection;
            }
        }
    }
}

impl<S: Stream> Connection<S> {
    /// `hand_over`, for threads: hands the connection over to the next
    /// process, which asked for `name` with
    /// [`Service::handed_over`](crate::blocking::Service::handed_over), and waits until it has it.
    /// `state` goes along: all that the next program has to know to go on, bytes that were read and
    /// not understood yet among them; at most 48 KiB.
    ///
    /// # Errors
    ///
    /// If the next process does not take it, or there is none: the connection comes back as it
    /// was, to be served on here or to be told goodbye.
    pub fn hand_over_blocking(
        self,
        name: &str,
        state: impl Into<Vec<u8>>,
    ) -> Result<(), HandOverError<S>> {
        let into_descriptor = |stream: S| Ok(stream.into());
        let Departing { promise, home } = self.depart(name, state.into(), into_descriptor)?;
        let outcome = promise.outcome_blocking();
        outcome.map_err(|given_back| home.welcome(given_back, |it| Ok(S::from(it))))
    }
}
