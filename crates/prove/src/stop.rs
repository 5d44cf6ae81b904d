//! When a load ends. Owns the stop signal and the end of the planned duration; refuses to cut
//! anything: clients ask between two requests.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The end that stops: dropping it is the signal, so that a load that is dropped stops as well.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<Option<Instant>>);

impl Stopper {
    /// Waits until nobody is left who could be told.
    pub(crate) async fn alone(&self) {
        self.0.closed().await;
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.send_replace(Some(Instant::now()));
    }
}

/// The end that is told.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// Told when it was stopped.
    stopped: watch::Receiver<Option<Instant>>,
    deadline: Option<Instant>,
}

impl Stop {
    /// A pair; without a deadline only the stopper ends the load.
    pub(crate) fn new(deadline: Option<Instant>) -> (Stopper, Self) {
        let (stopper, stopped) = watch::channel(None);
        (Stopper(stopper), Self { stopped, deadline })
    }

    pub(crate) fn is_over(&self) -> bool {
        // An error is that the stopper is gone; it told when.
        let is_stopped = self.stopped.has_changed().unwrap_or(true);
        is_stopped || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Since when it is over, if it is.
    pub(crate) fn end(&self) -> Option<Instant> {
        let stopped = *self.stopped.borrow();
        let deadline = self.deadline.filter(|deadline| Instant::now() >= *deadline);
        stopped.into_iter().chain(deadline).min()
    }

    /// Waits until it is over.
    pub(crate) async fn over(&self) {
        let mut stopped = self.stopped.clone();
        // Nobody marks what is told as seen: it stays news.
        let dropped = stopped.changed();
        match self.deadline {
            Some(deadline) => tokio::select! {
                _ = dropped => {}
                () = sleep_until(deadline) => {}
            },
            None => {
                let _ = dropped.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn dropping_the_stopper_stops() {
        let (stopper, stop) = Stop::new(None);
        assert!(!stop.is_over());
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.over().await }
        });
        drop(stopper);
        waiting.await.unwrap();
        assert!(stop.is_over());
        stop.over().await;
        assert!(stop.end().is_some_and(|end| end <= Instant::now()));
    }

    #[tokio::test]
    async fn the_stopper_is_alone_once_all_have_left() {
        let (stopper, stop) = Stop::new(None);
        let other = stop.clone();
        let alone = tokio::spawn(async move { stopper.alone().await });
        drop(stop);
        tokio::task::yield_now().await;
        assert!(!alone.is_finished());
        drop(other);
        alone.await.unwrap();
    }

    #[tokio::test]
    async fn the_deadline_stops() {
        let deadline = Instant::now() + Duration::from_millis(20);
        let (stopper, stop) = Stop::new(Some(deadline));
        assert!(!stop.is_over() && stop.end().is_none());
        stop.over().await;
        assert!(Instant::now() >= deadline && stop.is_over());
        drop(stopper);
        assert_eq!(stop.end(), Some(deadline), "what came first");
    }
}
