//! An answer that is under way: the program's future, which is begun as soon as there is a request.
//!
//! Once hyper has handed a request over it looks whether the client is still there, and only then
//! polls what it was given for it. To look it wants room in its buffer, and while the request's
//! head, which is a part of the buffer, is still in use, that takes a new buffer: 8 KiB for each
//! request. A program that answers at once has done with the head before hyper looks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// An answer, there or not.
pub(crate) enum Answer<F: Future> {
    Given(Option<F::Output>),
    Awaited(Pin<Box<F>>),
}

impl<F: Future> Answer<F> {
    /// Begins it in the task of this waker, if there is one.
    pub(crate) fn begin(future: F, waker: Option<&Waker>) -> Self {
        let mut future = Box::pin(future);
        let polled = waker.map(|waker| future.as_mut().poll(&mut Context::from_waker(waker)));
        match polled {
            Some(Poll::Ready(output)) => Self::Given(Some(output)),
            // It is polled once more for nothing: that is cheaper than to know that it need not be.
            Some(Poll::Pending) | None => Self::Awaited(future),
        }
    }
}

/// Nothing in it is pinned but what is in a box.
impl<F: Future> Unpin for Answer<F> {}

impl<F: Future> Future for Answer<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Self::Given(output) => output.take().map_or(Poll::Pending, Poll::Ready),
            Self::Awaited(future) => future.as_mut().poll(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};

    use super::*;

    #[test]
    fn what_is_there_at_once_is_not_polled_again() {
        let mut polls = 0;
        let future = poll_fn(|_| {
            polls += 1;
            Poll::Ready(polls)
        });
        let mut answer = Answer::begin(future, Some(Waker::noop()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(answer, Answer::Given(Some(1))));
        assert_eq!(Pin::new(&mut answer).poll(&mut context), Poll::Ready(1));
    }

    #[test]
    fn what_takes_its_time_is_polled_again_by_whoever_waits() {
        let mut polls = 0;
        let future = poll_fn(|_| {
            polls += 1;
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut answer = Answer::begin(future, Some(Waker::noop()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut answer).poll(&mut context).is_ready());
        let mut never = Answer::begin(pending::<()>(), Some(Waker::noop()));
        assert!(Pin::new(&mut never).poll(&mut context).is_pending());
    }

    #[test]
    fn where_no_task_is_known_it_is_begun_later() {
        let mut answer = Answer::begin(ready(7), None);
        assert!(matches!(answer, Answer::Awaited(_)));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut answer).poll(&mut context), Poll::Ready(7));
    }
}
