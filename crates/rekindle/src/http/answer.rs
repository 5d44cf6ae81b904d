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

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// An answer, there or not. `M` makes it of what the program's future gives.
pub(crate) enum Answer<T, M, O> {
    Given(Option<O>),
    Awaited(Work<T>, Option<M>),
}

/// What the program does for it.
type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T, M: FnOnce(T) -> O, O> Answer<T, M, O> {
    /// Begins it in the task of this waker, if there is one.
    pub(crate) fn begin(mut future: Work<T>, make: M, waker: Option<&Waker>) -> Self {
        match waker.map(|waker| future.as_mut().poll(&mut Context::from_waker(waker))) {
            Some(Poll::Ready(output)) => Self::Given(Some(make(output))),
            // It is polled once more for nothing: that is cheaper than to know that it need not be.
            Some(Poll::Pending) | None => Self::Awaited(future, Some(make)),
        }
    }
}

/// Nothing in it is pinned but what is in a box.
impl<T, M, O> Unpin for Answer<T, M, O> {}

impl<T, M: FnOnce(T) -> O, O> Future for Answer<T, M, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O> {
        match self.get_mut() {
            Self::Given(output) => output.take().map_or(Poll::Pending, Poll::Ready),
            Self::Awaited(future, make) => {
                let output = ready!(future.as_mut().poll(context));
                make.take().map_or(Poll::Pending, |make| Poll::Ready(make(output)))
            }
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
        let future = poll_fn(move |_| {
            polls += 1;
            Poll::Ready(polls)
        });
        let mut answer = Answer::begin(Box::pin(future), |polls| polls, Some(Waker::noop()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(answer, Answer::Given(Some(1))));
        assert_eq!(Pin::new(&mut answer).poll(&mut context), Poll::Ready(1));
    }

    #[test]
    fn what_takes_its_time_is_polled_by_whoever_waits() {
        let mut polls = 0;
        let future = poll_fn(move |_| {
            polls += 1;
            if polls == 2 { Poll::Ready(polls) } else { Poll::Pending }
        });
        let mut answer = Answer::begin(Box::pin(future), |polls| polls, Some(Waker::noop()));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut answer).poll(&mut context), Poll::Ready(2));
        let never = Box::pin(pending::<()>());
        let mut never = Answer::begin(never, |()| (), Some(Waker::noop()));
        assert!(Pin::new(&mut never).poll(&mut context).is_pending());
    }

    #[test]
    fn where_no_task_is_known_it_is_begun_later() {
        let mut answer = Answer::begin(Box::pin(ready(7)), |it| it + 1, None);
        assert!(matches!(answer, Answer::Awaited(..)));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut answer).poll(&mut context), Poll::Ready(8));
    }
}
