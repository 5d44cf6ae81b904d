//! `Bell`: one thread sleeps on it, others ring it.
//!
//! Owns an eventfd(2). Refuses to carry anything but "look": what there is to see lies elsewhere.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, retry_on_intr, write};

/// A bell that wakes whoever polls its descriptor.
///
/// Rings before the next [`Bell::silence`] are one ring. To share it, put it into an `Arc`.
#[derive(Debug)]
pub struct Bell {
    event: OwnedFd,
}

impl Bell {
    /// Makes a silent bell; close-on-exec, and no operation on it blocks.
    ///
    /// # Errors
    ///
    /// Those of eventfd(2): a limit of descriptors or memory.
    pub fn new() -> io::Result<Bell> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Bell { event })
    }

    /// Rings: its descriptor can be read until it is silenced.
    pub fn ring(&self) {
        // The one error there is says that the counter is full, so the bell rings already.
        let _ = retry_on_intr(|| write(&self.event, &1u64.to_ne_bytes()));
    }

    /// Silences it, and says whether it had been rung. To be called *before* looking at what the
    /// bell was rung for: what comes after the look rings anew.
    pub fn silence(&self) -> bool {
        let mut count = [0; size_of::<u64>()];
        !matches!(
            retry_on_intr(|| read(&self.event, &mut count)),
            Err(Errno::AGAIN)
        )
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::wait_readable;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn many_rings_are_one() {
        let bell = Bell::new().unwrap();
        assert!(!bell.silence());
        for _ in 0..1_000 {
            bell.ring();
        }
        assert!(wait_readable(&bell, Some(Duration::ZERO)).unwrap());
        assert!(bell.silence());
        assert!(!bell.silence());
        assert!(!wait_readable(&bell, Some(Duration::ZERO)).unwrap());
    }

    #[test]
    fn a_full_counter_neither_blocks_nor_loses_the_ring() {
        let bell = Bell::new().unwrap();
        write(&bell, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        bell.ring();
        assert!(bell.silence());
        bell.ring();
        assert!(bell.silence());
    }

    #[test]
    fn a_ring_of_another_thread_wakes_the_sleeper() {
        let bell = Arc::new(Bell::new().unwrap());
        let ringer = thread::spawn({
            let bell = Arc::clone(&bell);
            move || bell.ring()
        });
        assert!(wait_readable(&*bell, Some(Duration::from_secs(10))).unwrap());
        ringer.join().unwrap();
        assert!(bell.silence());
    }

    #[test]
    fn children_do_not_inherit_it() {
        let bell = Bell::new().unwrap();
        let flags = rustix::io::fcntl_getfd(&bell).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}
