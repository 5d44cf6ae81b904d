//! One timer of a connection, for whatever it waits for.
//!
//! A kept connection has a new deadline with each request. To set a timer each time would cost more
//! than some requests do, so the timer is only ever set anew when it went off too early, or would
//! go off too late.

use std::pin::{Pin, pin};
use std::task::Context;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The timer.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(crate) const fn new() -> Self {
        Self { sleep: None }
    }

    /// Whether `deadline` has passed. If not, the task is woken then, or earlier.
    #[inline]
    pub(crate) fn poll_passed(&mut self, context: &mut Context<'_>, deadline: Instant) -> bool {
        loop {
            match &mut self.sleep {
                Some(sleep) if sleep.is_elapsed() => {
                    if Instant::now() >= deadline {
                        return true;
                    }
                    sleep.as_mut().reset(deadline);
                }
                Some(sleep) if sleep.deadline() <= deadline => return false,
                Some(sleep) => sleep.as_mut().reset(deadline),
                None => self.sleep = Some(Box::pin(sleep_until(deadline))),
            }
            let waits = self
                .sleep
                .as_mut()
                .is_none_or(|sleep| pin!(unconstrained(sleep.as_mut())).poll(context).is_pending());
            if waits {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    async fn pass(timer: &mut Timer, deadline: Instant) {
        poll_fn(|context| match timer.poll_passed(context, deadline) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    #[tokio::test]
    async fn a_deadline_that_comes_nearer_or_goes_further_is_kept() {
        let (mut timer, begun) = (Timer::new(), Instant::now());
        let far = begun + Duration::from_secs(3600);
        let (near, nearer) = (begun + Duration::from_millis(60), begun + Duration::from_millis(30));
        poll_fn(|context| {
            assert!(!timer.poll_passed(context, far));
            assert!(!timer.poll_passed(context, nearer));
            assert!(!timer.poll_passed(context, near));
            Poll::Ready(())
        })
        .await;
        pass(&mut timer, near).await;
        assert!(Instant::now() >= near);
        let next = Instant::now() + Duration::from_millis(10);
        pass(&mut timer, next).await;
        assert!(Instant::now() >= next, "it went off before, for another deadline");
    }
}
