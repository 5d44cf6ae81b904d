//! Connections handed from program to program, for tasks.

use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use rustix::io::ioctl_fionbio;

use crate::async_stream::Stream;
use crate::connection::Connection;
use crate::hand_over::{Departing, HandOverError};
use crate::reception::Reception;

/// Connections that older processes [hand over](Connection::hand_over) to this one. Dropped, it
/// takes no more: those that were not taken yet stay with the older processes, and those that wait
/// in it are closed.
#[derive(Debug)]
pub struct HandedOver<S> {
    reception: Reception,
    stream: PhantomData<fn() -> S>,
}

impl<S: Stream> HandedOver<S> {
    pub(crate) const fn new(reception: Reception) -> Self {
        Self { reception, stream: PhantomData }
    }

    /// The next connection, and the state that the other program gave it; none once this process
    /// is ending and no more can come.
    ///
    /// It can be called from several tasks at once, and dropped at any time: no connection is lost.
    pub async fn next(&self) -> Option<(Connection<S>, Vec<u8>)> {
        let waiting = |descriptor: OwnedFd| {
            ioctl_fionbio(&descriptor, true)?;
            S::from_descriptor(descriptor)
        };
        loop {
            let arrival = self.reception.mailbox.next().await?;
            let connection = self.reception.connection(arrival, waiting);
            if connection.is_some() {
                return connection;
            }
        }
    }
}

impl<S: Stream> Connection<S> {
    /// Hands the connection over to the next process, which asked for `name` with
    /// [`Service::handed_over`](crate::Service::handed_over). `state` goes along: all that the next
    /// program has to know to go on, bytes that were read and not understood yet among them; at
    /// most 48 KiB.
    ///
    /// The moment for it is when [`Running::draining`](crate::Running::draining) is over. It waits
    /// until the next process has the connection. From then on this one may exit; its drain waits
    /// for that as for any work. Nothing may be read or written meanwhile, and to drop the future
    /// is to close the connection unless it moves.
    ///
    /// # Errors
    ///
    /// If the next process does not take it, or there is none: the connection comes back as it
    /// was, to be served on here or to be told goodbye.
    pub async fn hand_over(
        self,
        name: &str,
        state: impl Into<Vec<u8>>,
    ) -> Result<(), HandOverError<S>> {
        let Departing { promise, home } = self.depart(name, state.into(), S::into_descriptor)?;
        let outcome = promise.outcome().await;
        outcome.map_err(|given_back| home.welcome(given_back, S::from_descriptor))
    }
}
