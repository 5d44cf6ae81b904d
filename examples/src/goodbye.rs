//! When to say goodbye on kept connections. Refuses to say it: each protocol has its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekindle::{Running, blocking};

/// Whether this process should say goodbye on its kept connections. Clones are the same.
///
/// It is due while another generation accepts, so that clients come to that one with what they
/// ask next. It is not due any more if this process has to resume.
#[derive(Debug, Clone, Default)]
pub struct Goodbye(Arc<AtomicBool>);

impl Goodbye {
    /// Whether it is due now. Cheap enough to be asked for each answer.
    #[must_use]
    pub fn is_due(&self) -> bool {
        // It orders nothing else: a late look costs one more answer without a goodbye.
        self.0.load(Ordering::Relaxed)
    }

    /// Follows the life of this process until it accepts no more, ever. In a task.
    pub async fn follow(&self, running: &Running) {
        loop {
            running.draining().await;
            self.set(true);
            match running.resumed().await {
                Ok(()) => self.set(false),
                Err(_ending) => return,
            }
        }
    }

    /// The same in a thread.
    pub fn follow_blocking(&self, running: &blocking::Running) {
        loop {
            running.draining();
            self.set(true);
            match running.resumed() {
                Ok(()) => self.set(false),
                Err(_ending) => return,
            }
        }
    }

    fn set(&self, due: bool) {
        self.0.store(due, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use rekindle::Ending;

    use super::*;

    #[test]
    fn it_is_due_once_the_process_is_ending() {
        let service = blocking::Service::builder().stub().start_blocking().unwrap();
        let running = service.ready().unwrap();
        let (goodbye, clone) = (Goodbye::default(), Goodbye::default().clone());
        assert!(!goodbye.is_due() && !clone.is_due());
        let clone = goodbye.clone();
        running.stop();
        goodbye.follow_blocking(&running);
        assert!(clone.is_due());
        assert_eq!(running.drained().ending, Ending::Stopped);
    }

    #[tokio::test]
    async fn in_a_task_too() {
        let service = rekindle::Service::builder().stub().start().unwrap();
        let running = service.ready().await.unwrap();
        let goodbye = Goodbye::default();
        running.stop();
        goodbye.follow(&running).await;
        assert!(goodbye.is_due());
    }
}
