//! Waiting until one descriptor can be read or is hung up, with a deadline.
//!
//! Owns one call of poll(2) and its restarts. Refuses event loops: drivers have their own.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Waits until `descriptor` can be read or its other end is closed; `false` after `timeout`.
///
/// No timeout, or one that is too long for the clock, waits without end.
pub(crate) fn wait_readable(descriptor: impl AsFd, timeout: Option<Duration>) -> io::Result<bool> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut interest = [PollFd::new(&descriptor, PollFlags::IN)];
        match poll(&mut interest, left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            // A signal handler ran. What is left of the time is computed anew.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;

    #[test]
    fn a_written_or_closed_pipe_is_ready_and_a_silent_one_is_not() {
        let (reader, writer) = pipe().unwrap();
        assert!(!wait_readable(&reader, Some(Duration::ZERO)).unwrap());
        rustix::io::write(&writer, b"x").unwrap();
        assert!(wait_readable(&reader, Some(Duration::ZERO)).unwrap());
        rustix::io::read(&reader, &mut [0u8; 1]).unwrap();
        assert!(!wait_readable(&reader, Some(Duration::ZERO)).unwrap());
        drop(writer);
        assert!(wait_readable(&reader, Some(Duration::MAX)).unwrap());
    }

    #[test]
    fn the_timeout_is_kept_and_not_cut_short() {
        let (reader, _writer) = pipe().unwrap();
        let begin = Instant::now();
        assert!(!wait_readable(&reader, Some(Duration::from_millis(30))).unwrap());
        assert!(begin.elapsed() >= Duration::from_millis(30));
    }
}
