//! When requests are due in an open loop. Owns the timetable and the waking; refuses to know
//! whether anybody is late: `client` does.
//!
//! tokio's own timers fire up to 2 ms late, which would stand in each latency that counts from when
//! a request was due. So one task a group sleeps on a timer of the kernel and wakes who is due.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Wakes the lanes of one group when they are due. A lane has one request under way at a time.
#[derive(Debug)]
pub(crate) struct Pacer {
    timetable: Timetable,
    lanes: Box<[Notify]>,
    timer: AsyncFd<OwnedFd>,
}

/// Ends the waking when it is dropped.
#[derive(Debug)]
pub(crate) struct Waking(tokio::task::JoinHandle<()>);

impl Pacer {
    /// The first request is due at `start`.
    ///
    /// # Errors
    /// If the system has no timer left.
    pub(crate) fn new(start: Instant, per_second: f64, lanes: usize) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timetable: Timetable { start, per_second },
            lanes: (0..lanes).map(|_| Notify::new()).collect(),
            timer: watch(timer)?,
        })
    }

    /// Begins to wake lanes, as a task of its own.
    pub(crate) fn start(self: &Arc<Self>) -> Waking {
        let pacer = Arc::clone(self);
        Waking(tokio::spawn(async move { pacer.wake().await }))
    }

    /// When this request of this lane is due, both counted from 0.
    pub(crate) fn due(&self, lane: usize, number: u64) -> Instant {
        let turn = number.saturating_mul(self.lanes.len() as u64).saturating_add(lane as u64);
        self.timetable.turn(turn)
    }

    /// How many requests of all lanes are due in this time from the start, its end not included.
    pub(crate) fn due_within(&self, time: Duration) -> u64 {
        self.timetable.turns_within(time)
    }

    /// Waits until this request of this lane is due. At most one may wait for a lane.
    pub(crate) async fn until_due(&self, lane: usize, number: u64) {
        let due = self.due(lane, number);
        // A lane that was late is woken for a request that it did not wait for: it looks again.
        while Instant::now() < due {
            self.lanes[lane].notified().await;
        }
    }

    async fn wake(&self) {
        for turn in 0.. {
            let wait = self.timetable.turn(turn).saturating_duration_since(Instant::now());
            if !wait.is_zero() && self.sleep(wait).await.is_err() {
                // A timer that was made does not fail. If it does, a coarser one is better than
                // none: latencies tell of it.
                tokio::time::sleep(wait).await;
            }
            self.lanes[(turn % self.lanes.len() as u64) as usize].notify_one();
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn sleep(&self, time: Duration) -> io::Result<()> {
        let timer = self.timer.get_ref();
        let value = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
        let read = |timer: &OwnedFd| Ok(rustix::io::read(timer, &mut [0_u8; 8])?);
        self.timer.async_io(Interest::READABLE, read).await?;
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "the newer name is `unsafe`, to be promised what the owned descriptor guarantees"
)]
fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}

impl Drop for Waking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The times at which a group asks, evenly spread.
#[derive(Debug, Clone, Copy)]
struct Timetable {
    start: Instant,
    per_second: f64,
}

impl Timetable {
    /// When this turn comes, from 0. Each is reckoned from the start, so that no error adds up.
    fn turn(self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.per_second)
    }

    fn turns_within(self, time: Duration) -> u64 {
        let turns = (time.as_secs_f64() * self.per_second).ceil() as u64;
        // The product may be a little too much.
        let is_beyond = turns > 0 && self.turn(turns - 1) >= self.start + time;
        turns - u64::from(is_beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(start: Instant, per_second: f64, lanes: usize) -> Arc<Pacer> {
        Arc::new(Pacer::new(start, per_second, lanes).unwrap())
    }

    #[tokio::test]
    async fn turns_are_even_and_dealt_out_to_the_lanes() {
        let start = Instant::now();
        let pacer = pacer(start, 100.0, 4);
        let due_ms = |lane, number| (pacer.due(lane, number) - start).as_millis();
        assert_eq!([0, 1, 2, 3].map(|lane| due_ms(lane, 0)), [0, 10, 20, 30]);
        assert_eq!([0, 1, 2, 3].map(|lane| due_ms(lane, 5)), [200, 210, 220, 230]);
        let due_within = |ms| pacer.due_within(Duration::from_millis(ms));
        assert_eq!([0, 1, 10, 11, 70, 1_000].map(due_within), [0, 1, 1, 2, 7, 100]);
    }

    #[tokio::test]
    async fn no_error_adds_up() {
        let start = Instant::now();
        let pacer = pacer(start, 3.0, 1);
        let hour = pacer.due(0, 3 * 3_600) - start;
        assert_eq!(hour, Duration::from_secs(3_600));
    }

    #[tokio::test]
    async fn a_lane_is_woken_when_it_is_due_and_not_before() {
        let start = Instant::now();
        let pacer = pacer(start, 1_000.0, 2);
        let _waking = pacer.start();
        for number in 0..50 {
            let due = pacer.due(1, number);
            pacer.until_due(1, number).await;
            let now = Instant::now();
            assert!(now >= due);
            assert!(now < due + Duration::from_secs(10), "{:?}", now - due);
        }
    }

    #[tokio::test]
    async fn who_is_late_waits_for_nothing() {
        // Nobody is woken here.
        let pacer = pacer(Instant::now() - Duration::from_secs(1), 10.0, 1);
        for number in 0..=10 {
            pacer.until_due(0, number).await;
        }
    }
}
