//! An answer that is under way: the program's future, which is begun as soon as there is a request.
//!
//! Once hyper has handed a request over it looks whether the client is still there, and only then
//! polls what it was given for it. To look it wants room in its buffer, and while the request's
//! head, which is a part of the buffer, is still in use, that takes a new buffer: 8 KiB for each
//! request. A program that answers at once has done with the head before hyper looks.
//!
//! So a request whose client shuts its side down along with it is begun, though hyper then finds
//! the client gone and drops the answer. And the first time that the future is pending is no pause
//! for other tasks: hyper polls it once more in the same poll of the connection.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// An answer, there or not. `M` makes it of what the program's future gives.
pub(crate) enum Answer<F: Future, M, O> {
    Given(Option<O>),
    Begun(Slot<F>, Option<M>),
    /// It is to be begun by whoever waits for it.
    Later(Later<F::Output>, Option<M>),
}

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where a future is while it is worked on.
pub(crate) type Slot<F> = Pin<Box<Option<F>>>;

/// The place of the last future that was done at once, for the next one: so the answers of a
/// connection need no memory of their own.
pub(crate) struct Place<F>(Cell<Option<Slot<F>>>);

impl<F> Place<F> {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }
}

impl<F: Future, M: FnOnce(F::Output) -> O, O> Answer<F, M, O> {
    /// Begins it in the task of this waker.
    #[inline]
    pub(crate) fn begin(place: &Place<F>, future: F, make: M, waker: &Waker) -> Self {
        let mut slot = place.0.take().unwrap_or_else(|| Box::pin(None));
        slot.set(Some(future));
        let mut context = Context::from_waker(waker);
        match slot.as_mut().as_pin_mut().map(|begun| begun.poll(&mut context)) {
            Some(Poll::Ready(output)) => {
                slot.set(None);
                place.0.set(Some(slot));
                Self::Given(Some(make(output)))
            }
            // It is polled once more for nothing: that is cheaper than to know that it need not be.
            Some(Poll::Pending) | None => Self::Begun(slot, Some(make)),
        }
    }

    /// It is begun when it is waited for.
    pub(crate) fn later<L>(future: L, make: M) -> Self
    where
        L: Future<Output = F::Output> + Send + 'static,
    {
        Self::Later(Box::pin(future), Some(make))
    }
}

/// Nothing in it is pinned but what is in a box.
impl<F: Future, M, O> Unpin for Answer<F, M, O> {}

impl<F: Future, M: FnOnce(F::Output) -> O, O> Future for Answer<F, M, O> {
    type Output = O;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O> {
        let (output, make) = match self.get_mut() {
            Self::Given(given) => return given.take().map_or(Poll::Pending, Poll::Ready),
            Self::Begun(slot, make) => match slot.as_mut().as_pin_mut() {
                Some(future) => (ready!(future.poll(context)), make),
                None => return Poll::Pending,
            },
            Self::Later(future, make) => (ready!(future.as_mut().poll(context)), make),
        };
        make.take().map_or(Poll::Pending, |make| Poll::Ready(make(output)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, pending, poll_fn};
    use std::sync::Arc;

    use super::*;

    /// Says how often it was polled, once that was so often.
    fn after(polls: u32) -> impl Future<Output = u32> {
        let mut count = 0;
        poll_fn(move |_| {
            count += 1;
            if count == polls { Poll::Ready(count) } else { Poll::Pending }
        })
    }

    fn poll<F: Future, M: FnOnce(F::Output) -> O, O>(answer: &mut Answer<F, M, O>) -> Poll<O> {
        Pin::new(answer).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_is_there_at_once_is_not_polled_again() {
        let mut answer = Answer::begin(&Place::new(), after(1), |polls| polls, Waker::noop());
        assert!(matches!(answer, Answer::Given(Some(1))));
        assert_eq!(poll(&mut answer), Poll::Ready(1));
        assert!(poll(&mut answer).is_pending());
    }

    #[test]
    fn what_takes_its_time_is_polled_by_whoever_waits() {
        let mut answer = Answer::begin(&Place::new(), after(2), |polls| polls, Waker::noop());
        assert_eq!(poll(&mut answer), Poll::Ready(2));
        let mut never = Answer::begin(&Place::new(), pending::<()>(), |()| (), Waker::noop());
        assert!(poll(&mut never).is_pending());
    }

    #[test]
    fn where_no_task_is_known_it_is_begun_later() {
        let mut answer = Answer::<Ready<_>, _, _>::later(after(1), |polls| polls + 1);
        assert!(matches!(answer, Answer::Later(..)));
        assert_eq!(poll(&mut answer), Poll::Ready(2));
    }

    #[test]
    fn a_place_is_used_again_and_by_one_at_a_time() {
        let (place, held) = (Place::new(), Arc::new(()));
        let future = |polls| {
            let (held, work) = (Arc::clone(&held), after(polls));
            async move { (work.await, held).0 }
        };
        let mut addresses = Vec::new();
        for _ in 0..3 {
            let mut answer = Answer::begin(&place, future(1), |polls| polls, Waker::noop());
            assert_eq!(Arc::strong_count(&held), 1, "what is done is dropped");
            let slot = place.0.take().unwrap();
            addresses.push(std::ptr::from_ref(&*slot).addr());
            place.0.set(Some(slot));
            assert_eq!(poll(&mut answer), Poll::Ready(1));
        }
        assert!(addresses.iter().all(|address| *address == addresses[0]));
        let mut slow = Answer::begin(&place, future(2), |polls| polls, Waker::noop());
        let mut quick = Answer::begin(&place, future(1), |polls| polls, Waker::noop());
        assert_eq!((poll(&mut quick), poll(&mut slow)), (Poll::Ready(1), Poll::Ready(2)));
    }
}
