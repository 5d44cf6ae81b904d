//! How fast the bytes of one exchange go, where a group has them go slowly. Owns when how many may
//! go; refuses to send, to read, or to wait.

use std::time::Duration;

use tokio::time::Instant;

use crate::group::Group;

/// How often bytes go that go slowly.
const STEP: Duration = Duration::from_millis(10);

/// The size that is asked for the receive buffer of a connection which reads slowly. The kernel
/// doubles it, for its own bookkeeping (`man 7 socket`).
pub(crate) const SLOW_RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

/// How fast the bytes of a group go: both without limit, unless it is told otherwise.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow {
    upload_time: Option<Duration>,
    read_rate: Option<u64>,
}

impl Flow {
    pub(crate) fn new(group: &Group) -> Self {
        Self { upload_time: group.upload_time, read_rate: group.read_rate }
    }

    /// Whether answers are read no faster than a rate.
    pub(crate) fn reads_slowly(self) -> bool {
        self.read_rate.is_some()
    }

    /// How many bytes of a body may have been sent so long after it was begun.
    pub(crate) fn sendable(self, body_bytes: usize, elapsed: Duration) -> usize {
        match self.upload_time {
            Some(time) if elapsed < time => {
                let share = elapsed.as_secs_f64() / time.as_secs_f64();
                ((body_bytes as f64 * share) as usize).min(body_bytes)
            }
            Some(_) | None => body_bytes,
        }
    }

    /// When to look again what may be sent of an upload that began then.
    pub(crate) fn next_upload(self, began: Instant, now: Instant) -> Instant {
        // The last byte is neither early nor late.
        let end = began + self.upload_time.unwrap_or_default();
        if now < end { end.min(now + STEP) } else { now }
    }

    /// The limit of reading, before the first byte of an answer.
    pub(crate) fn reading(self) -> Reading {
        Reading { rate: self.read_rate, from: None }
    }
}

/// The limit of reading one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    rate: Option<u64>,
    /// When reading goes on.
    from: Option<Instant>,
}

impl Reading {
    /// When reading may go on, if not now.
    pub(crate) fn waits_until(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        self.from.filter(|from| *from > now())
    }

    /// How many bytes may be read at once, of so many.
    pub(crate) fn at_once(&self, room_bytes: usize) -> usize {
        match self.rate {
            Some(rate) => {
                let in_step = rate as f64 * STEP.as_secs_f64();
                room_bytes.min(in_step as usize).max(1)
            }
            None => room_bytes,
        }
    }

    /// So many bytes were read.
    pub(crate) fn read(&mut self, count_bytes: usize, now: impl FnOnce() -> Instant) {
        let Some(rate) = self.rate else {
            return;
        };
        let now = now();
        let takes = Duration::from_secs_f64(count_bytes as f64 / rate as f64);
        // A timer's lateness is made up for; a server's is not, since that would be a burst.
        let earliest = now.checked_sub(STEP).unwrap_or(now);
        self.from = Some(self.from.map_or(now, |from| from.max(earliest)) + takes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_upload_goes_out_evenly() {
        let flow = Flow { upload_time: Some(MS * 100), read_rate: None };
        let sendable = [0, 1, 50, 99, 100, 200].map(|ms| flow.sendable(1_000, MS * ms));
        assert_eq!(sendable, [0, 10, 500, 990, 1_000, 1_000]);
        assert_eq!(Flow::default().sendable(1_000, Duration::ZERO), 1_000);
    }

    #[test]
    fn the_last_byte_of_an_upload_goes_when_its_time_is_over() {
        let flow = Flow { upload_time: Some(MS * 25), read_rate: None };
        let began = Instant::now();
        let next = |ms| flow.next_upload(began, began + MS * ms) - began;
        assert_eq!([0, 10, 20].map(next), [MS * 10, MS * 20, MS * 25]);
    }

    #[test]
    fn reading_keeps_to_its_rate_and_makes_up_for_late_timers_alone() {
        let flow = Flow { upload_time: None, read_rate: Some(1_000) };
        let mut reading = flow.reading();
        let began = Instant::now();
        assert_eq!(reading.waits_until(|| began), None);
        assert_eq!((reading.at_once(4_096), reading.at_once(3)), (10, 3));
        reading.read(10, || began);
        assert_eq!(reading.waits_until(|| began), Some(began + MS * 10));
        reading.read(10, || began + MS * 12);
        assert_eq!(reading.waits_until(|| began), Some(began + MS * 20), "2 ms are made up for");
        reading.read(10, || began + MS * 100);
        assert_eq!(reading.waits_until(|| began), Some(began + MS * 100), "but not 80 ms");
    }

    #[test]
    fn without_a_rate_reading_never_waits() {
        let mut reading = Flow::default().reading();
        reading.read(1 << 20, Instant::now);
        assert_eq!(reading.waits_until(Instant::now), None);
        assert_eq!(reading.at_once(4_096), 4_096);
    }

    #[test]
    fn the_slowest_rate_still_reads() {
        let reading = Flow { upload_time: None, read_rate: Some(1) }.reading();
        assert_eq!(reading.at_once(4_096), 1);
    }
}
