//! Which connections have something to read.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};

const EVENTS_AT_ONCE: usize = 256;

/// Waits for connections, which are known by their places.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("make an epoll")?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_AT_ONCE) })
    }

    /// Watches a connection until it is dropped.
    pub(crate) fn watch(&self, place: usize, connection: &impl AsFd) -> Result<()> {
        let data = EventData::new_u64(u64::try_from(place)?);
        epoll::add(&self.epoll, connection, data, EventFlags::IN).context("watch a connection")
    }

    /// The places of those that have something to read, as soon as there are any or the time is
    /// over.
    pub(crate) fn wait(&mut self, patience: Duration) -> Result<Vec<usize>> {
        let timeout = Timespec {
            tv_sec: i64::try_from(patience.as_secs())?,
            tv_nsec: patience.subsec_nanos().into(),
        };
        self.events.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, spare, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for answers"),
        }
        let place = |event: &Event| usize::try_from({ event.data }.u64());
        self.events.iter().map(place).collect::<Result<_, _>>().context("know a place again")
    }
}
