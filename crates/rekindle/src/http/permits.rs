//! Permits to move: as many connections are on their way at once as the channel takes. Who has
//! none goes on serving.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rekindle_core::MOVE_WINDOW;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::unconstrained;

/// The permits of one process. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Permits {
    free: Arc<Semaphore>,
}

/// A permit; given back when dropped.
pub(crate) type Permit = OwnedSemaphorePermit;

impl Permits {
    pub(crate) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(MOVE_WINDOW)) }
    }
}

/// One connection's request for a permit.
#[derive(Default)]
pub(crate) enum Ticket {
    /// It does not want any.
    #[default]
    None,
    /// It stands in the queue.
    Queued(Pin<Box<dyn Future<Output = Result<Permit, AcquireError>> + Send>>),
    Granted(Permit),
}

impl Ticket {
    /// Whether the permit is there. If not, the task is woken when it is.
    pub(crate) fn poll(&mut self, permits: &Permits, context: &mut Context<'_>) -> bool {
        if let Self::None = self {
            *self = match Arc::clone(&permits.free).try_acquire_owned() {
                Ok(permit) => Self::Granted(permit),
                Err(_) => Self::Queued(Box::pin(Arc::clone(&permits.free).acquire_owned())),
            };
        }
        if let Self::Queued(waiting) = self
            && let Poll::Ready(Ok(permit)) = Pin::new(&mut unconstrained(waiting)).poll(context)
        {
            *self = Self::Granted(permit);
        }
        matches!(self, Self::Granted(_))
    }

    pub(crate) const fn is_queued(&self) -> bool {
        matches!(self, Self::Queued(_))
    }

    /// The permit, if it is there. Whatever was asked for is not any more.
    pub(crate) fn take(&mut self) -> Option<Permit> {
        match std::mem::take(self) {
            Self::Granted(permit) => Some(permit),
            Self::None | Self::Queued(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn who_gives_up_its_ticket_holds_nobody_up() {
        let permits = Permits::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut granted: Vec<_> = (0..MOVE_WINDOW).map(|_| Ticket::default()).collect();
        assert!(granted.iter_mut().all(|ticket| ticket.poll(&permits, &mut context)));
        let (mut first, mut second) = (Ticket::default(), Ticket::default());
        assert!(!first.poll(&permits, &mut context));
        assert!(!second.poll(&permits, &mut context));
        assert!(first.take().is_none());
        drop(granted.pop());
        assert!(second.poll(&permits, &mut context));
        assert!(second.take().is_some());
    }
}
