//! A long answer: one event after the other, as server-sent events are. Refuses to end early.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The body of the answer. Its length is not known before its end.
#[derive(Debug)]
pub(crate) struct Events {
    name: String,
    next: u64,
    count: u64,
    tick: Interval,
}

impl Events {
    /// So many events, the first one at once, with a pause after each.
    pub(crate) fn new(name: String, count: u64, pause: Duration) -> Self {
        let mut tick = interval(pause.max(Duration::from_millis(1)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { name, next: 0, count, tick }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next == self.count {
            return Poll::Ready(None);
        }
        ready!(self.tick.poll_tick(context));
        let event = format!("data: event {} of {}\n\n", self.next, self.name);
        self.next += 1;
        Poll::Ready(Some(Ok(Frame::data(event.into()))))
    }
}
