//! The places of a lot: who is at which, and since when. The poller says of each that it has
//! something to read by the number of its place.

use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use tokio::time::Instant;

use super::Sleeper;

/// All places.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Whether somebody looks after them.
    pub(super) is_open: bool,
    /// Whether nobody comes any more.
    pub(super) has_ended: bool,
    /// When to look for those that have waited too long, at the latest.
    pub(super) sweep_at: Option<Instant>,
    all: Vec<Option<Place>>,
    /// Those that nobody is at.
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    since: Instant,
    sleeper: Sleeper,
}

impl Places {
    /// Gives it a place, if the poller can watch it.
    pub(super) fn add(
        &mut self,
        poller: &OwnedFd,
        sleeper: Sleeper,
        since: Instant,
    ) -> Result<(), Sleeper> {
        let number = self.free.last().copied().unwrap_or(self.all.len());
        // Closed by its client is readable too.
        if epoll::add(poller, &sleeper, EventData::new_u64(number as u64), EventFlags::IN).is_err()
        {
            return Err(sleeper);
        }
        let place = Some(Place { since, sleeper });
        if self.free.pop().is_some() {
            self.all[number] = place;
        } else {
            self.all.push(place);
        }
        Ok(())
    }

    pub(super) fn get(&self, number: u64) -> Option<&Sleeper> {
        let place = self.all.get(usize::try_from(number).ok()?)?;
        place.as_ref().map(|place| &place.sleeper)
    }

    pub(super) fn remove(&mut self, poller: &OwnedFd, number: u64) -> Option<Sleeper> {
        let number = usize::try_from(number).ok()?;
        let Place { sleeper, .. } = self.all.get_mut(number)?.take()?;
        self.free.push(number);
        // It fails for what was never added.
        let _watched = epoll::delete(poller, &sleeper);
        if self.free.len() == self.all.len() {
            // There can have been many.
            (self.all, self.free) = (Vec::new(), Vec::new());
        }
        Some(sleeper)
    }

    /// Removes those that are to leave.
    pub(super) fn remove_all(
        &mut self,
        poller: &OwnedFd,
        leaves: impl Fn(Instant, &Sleeper) -> bool,
    ) -> Vec<Sleeper> {
        let leaves = |place: &Place| leaves(place.since, &place.sleeper);
        let leavers = (0u64..).zip(&self.all);
        let leavers = leavers.filter(|(_, place)| place.as_ref().is_some_and(leaves));
        let leavers: Vec<u64> = leavers.map(|(number, _)| number).collect();
        leavers.into_iter().filter_map(|number| self.remove(poller, number)).collect()
    }

    /// Since when the first of them waits.
    pub(super) fn first_since(&self) -> Option<Instant> {
        self.all.iter().flatten().map(|place| place.since).min()
    }
}
