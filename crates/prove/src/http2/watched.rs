//! The question to the kernel behind the back of the task that drives a connection: whether
//! something has come that it has not read. Owns a second descriptor of the socket, which ends with
//! the first; refuses to read.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Held by whoever owns the socket: a descriptor that outlived it would keep the connection open.
#[derive(Debug)]
pub(crate) struct Watching(Arc<OwnedFd>);

/// A socket that somebody else reads.
#[derive(Debug)]
pub(crate) struct Watched(Weak<OwnedFd>);

impl Watching {
    /// # Errors
    /// If the process has no descriptor left.
    pub(crate) fn new(socket: impl AsFd) -> io::Result<Self> {
        Ok(Self(Arc::new(socket.as_fd().try_clone_to_owned()?)))
    }

    pub(crate) fn watched(&self) -> Watched {
        Watched(Arc::downgrade(&self.0))
    }
}

impl Watched {
    /// Whether bytes, an end or an error wait to be read. They are left where they are: a look by
    /// `recv` would use an error up.
    pub(crate) fn has_news(&self) -> bool {
        self.0.upgrade().is_some_and(|socket| {
            let mut polled = [PollFd::new(&*socket, PollFlags::IN)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut polled, Some(&now)).is_ok_and(|count| count > 0)
        })
    }
}
