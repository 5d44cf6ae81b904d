//! How many connections a listener may have at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The places of one listener. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Capacity {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    taken: AtomicUsize,
    left: Notify,
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Seat {
    capacity: Capacity,
}

impl Capacity {
    pub(crate) fn new(most: Option<usize>) -> Self {
        let most = most.unwrap_or(usize::MAX);
        let (taken, left) = (AtomicUsize::new(0), Notify::new());
        Self { inner: Arc::new(Inner { most, taken, left }) }
    }

    /// Waits, in one task only, until a place is free.
    pub(crate) async fn room(&self) {
        while self.inner.taken.load(Ordering::SeqCst) >= self.inner.most {
            self.inner.left.notified().await;
        }
    }

    /// Takes a place, even if none is free: a connection that moved here is never turned away.
    pub(crate) fn seat(&self) -> Seat {
        self.inner.taken.fetch_add(1, Ordering::SeqCst);
        Seat { capacity: self.clone() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let inner = &self.capacity.inner;
        let taken = inner.taken.fetch_sub(1, Ordering::SeqCst);
        if inner.most != usize::MAX && taken <= inner.most {
            inner.left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn there_is_room_again_once_as_many_have_left_as_are_too_many() {
        let capacity = Capacity::new(Some(1));
        let (accepted, moved_here) = (capacity.seat(), capacity.seat());
        let mut room = pin!(capacity.room());
        let mut context = Context::from_waker(Waker::noop());
        assert!(room.as_mut().poll(&mut context).is_pending());
        drop(accepted);
        assert!(room.as_mut().poll(&mut context).is_pending());
        drop(moved_here);
        assert!(room.as_mut().poll(&mut context).is_ready());
    }
}
