//! The lot: where connections wait that moved here, and on which nothing was said since. It holds
//! no more of each than its descriptor and what says that it is served here: no task, no buffer, no
//! timer, and the runtime does not know it. So those that come by the thousand come quickly, and
//! cost little until they speak.
//!
//! It knows one course, to stay. At any other they leave, for sessions of their own that know the
//! rest.

mod places;

use std::future::pending;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use self::places::Places;
use crate::http::capacity::Seat;
use crate::http::course::Course;
use crate::http::parked::FIRST_READ_BYTES;
use crate::readiness::{Readiness, watch as watch_readiness};
use crate::tracker::{Guard, Resting};

/// How many are looked at in one go.
const AT_ONCE: usize = 64;

/// What part of the idle timeout one may wait too long: those that came at about the same time are
/// closed together, and not looked for one by one.
const LENIENCE: u32 = 64;

/// The lot of one listener.
#[derive(Debug)]
pub(crate) struct Lot {
    /// An epoll instance, which is ready when one of those in it has spoken.
    poller: Arc<OwnedFd>,
    readiness: Readiness,
    places: Mutex<Places>,
    /// Whoever looks after it has to look again.
    news: Notify,
    idle_timeout: Option<Duration>,
}

/// A connection in the lot.
#[derive(Debug)]
pub(crate) struct Sleeper {
    /// Closed before it counts as done: the order of the fields matters.
    pub(crate) descriptor: OwnedFd,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) guard: Guard,
    pub(crate) seat: Seat,
}

/// One that leaves the lot.
#[derive(Debug)]
pub(crate) struct Leaver {
    /// Until it has a session that says so itself: it leaves because the course has turned, and to
    /// cut it is no loss. Dropped before its guard: the order of the fields matters.
    pub(crate) resting: Option<Resting>,
    pub(crate) sleeper: Sleeper,
    /// What its client has said, if anything was read.
    pub(crate) first: Bytes,
}

impl Lot {
    /// A lot that takes nobody in before somebody looks after it.
    ///
    /// # Errors
    ///
    /// If the system or the runtime has no means to watch it.
    pub(crate) fn new(idle_timeout: Option<Duration>) -> io::Result<Self> {
        let poller = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let readiness = watch_readiness(&poller, Interest::READABLE)?;
        let (places, news) = (Mutex::default(), Notify::new());
        Ok(Self { poller, readiness, places, news, idle_timeout })
    }

    /// Takes connections in. Returns those that cannot wait here.
    pub(crate) fn park(&self, sleepers: Vec<Sleeper>) -> Vec<Sleeper> {
        let (mut places, now) = (self.lock(), Instant::now());
        if !places.is_open {
            return sleepers;
        }
        let refuse = |sleeper| places.add(&self.poller, sleeper, now).err();
        let refused = sleepers.into_iter().filter_map(refuse).collect();
        if places.sweep_at.is_none() {
            places.sweep_at = self.sweep_at(now);
            self.news.notify_one();
        }
        refused
    }

    /// Opens it. To be done by whoever looks after it from here on.
    pub(crate) fn open(&self) {
        self.lock().is_open = true;
    }

    /// Nobody comes any more.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
        self.news.notify_one();
    }

    /// Waits for some that leave. None if nobody is in it, and nobody will be.
    pub(crate) async fn leavers(
        &self,
        course: &mut watch::Receiver<Course>,
    ) -> Option<Vec<Leaver>> {
        loop {
            let now = *course.borrow_and_update();
            if now == Course::Stay {
                self.open();
            } else {
                let mut all = self.close();
                match now {
                    Course::Cut => all.clear(),
                    Course::Close => all.retain(Sleeper::has_spoken),
                    Course::Stay | Course::Move | Course::Goodbye => {}
                }
                if !all.is_empty() {
                    return Some(silent(all, now));
                }
                if self.lock().has_ended {
                    return None;
                }
                tokio::select! {
                    changed = course.changed() => changed.ok()?,
                    () = self.news.notified() => {}
                }
                continue;
            }
            let sweep_at = self.lock().sweep_at;
            tokio::select! {
                changed = course.changed() => if changed.is_err() {
                    // Nobody is left who would say that it is over.
                    let all = self.close();
                    return (!all.is_empty()).then(|| silent(all, now));
                },
                woken = self.woken() => return Some(woken),
                () = self.news.notified() => {}
                () = pass(sweep_at) => self.sweep(),
            }
        }
    }

    /// Waits for some that have spoken. Those whose clients have left are closed.
    async fn woken(&self) -> Vec<Leaver> {
        loop {
            // It fails with the runtime, and then all is over.
            let Ok(mut ready) = self.readiness.readable().await else { return pending().await };
            let Ok(spoken) = self.spoken() else {
                // Nothing is known of them: it stays ready, and is looked at again.
                yield_now().await;
                continue;
            };
            if spoken.len() < AT_ONCE {
                ready.clear_ready();
            }
            let mut woken = Vec::with_capacity(spoken.len());
            let mut places = self.lock();
            for place in spoken {
                match places.get(place).map(Sleeper::hear) {
                    None | Some(Err(Errno::AGAIN | Errno::INTR)) => {}
                    Some(Ok(first)) if !first.is_empty() => {
                        let leaver = |sleeper| Leaver { resting: None, sleeper, first };
                        woken.extend(places.remove(&self.poller, place).map(leaver));
                    }
                    Some(Ok(_) | Err(_)) => drop(places.remove(&self.poller, place)),
                }
            }
            drop(places);
            if !woken.is_empty() {
                return woken;
            }
        }
    }

    /// The places of some that have spoken, or whose clients have left.
    fn spoken(&self) -> Result<Vec<u64>, Errno> {
        let mut space = [const { MaybeUninit::uninit() }; AT_ONCE];
        let (events, _) = epoll::wait(&self.poller, &mut space, Some(&Timespec::default()))?;
        Ok(events.iter().map(|event| event.data.u64()).collect())
    }

    /// Takes nobody in any more. Returns all that are in it.
    fn close(&self) -> Vec<Sleeper> {
        let mut places = self.lock();
        (places.is_open, places.sweep_at) = (false, None);
        places.remove_all(&self.poller, |_since, _sleeper| true)
    }

    /// Closes those that have waited too long.
    fn sweep(&self) {
        let (mut places, now) = (self.lock(), Instant::now());
        let swept = places.remove_all(&self.poller, |since, sleeper| {
            let passed = now.saturating_duration_since(since);
            self.idle_timeout.is_some_and(|limit| passed >= limit) && !sleeper.has_spoken()
        });
        let first = places.first_since();
        // One that has spoken by now is about to leave: it is not looked for at once again.
        let pause = self.idle_timeout.unwrap_or_default() / LENIENCE;
        places.sweep_at =
            first.and_then(|since| self.sweep_at(since)).map(|at| at.max(now + pause));
        drop(places);
        // Closed without the lock.
        drop(swept);
    }

    /// When to look for those that have waited since then.
    fn sweep_at(&self, since: Instant) -> Option<Instant> {
        let limit = self.idle_timeout?;
        // A time that no clock reaches is no limit.
        since.checked_add(limit)?.checked_add(limit / LENIENCE)
    }

    /// Nothing that is done under this lock can leave the places half changed.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sleeper {
    /// What its client has said; nothing if it has left.
    fn hear(&self) -> Result<Bytes, Errno> {
        let mut space = [const { MaybeUninit::uninit() }; FIRST_READ_BYTES];
        let ((first, _), _) = recv(&self.descriptor, &mut space, RecvFlags::DONTWAIT)?;
        Ok(Bytes::copy_from_slice(first))
    }

    fn has_spoken(&self) -> bool {
        ioctl_fionread(&self.descriptor).is_ok_and(|length| length > 0)
    }
}

impl AsFd for Sleeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// These leave at this course, and nothing was read of what they may have said.
fn silent(sleepers: Vec<Sleeper>, course: Course) -> Vec<Leaver> {
    let rests = match course {
        Course::Move | Course::Goodbye => true,
        // Who leaves at a stop has spoken.
        Course::Stay | Course::Close | Course::Cut => false,
    };
    let leaver = |sleeper: Sleeper| {
        let resting = rests.then(|| sleeper.guard.resting());
        Leaver { resting, sleeper, first: Bytes::new() }
    };
    sleepers.into_iter().map(leaver).collect()
}

/// Waits until then; for ever if there is no such time.
async fn pass(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
