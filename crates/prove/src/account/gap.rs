//! The longest time without an answer. Owns that one number; refuses to say whether it is too long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// A stretch of time in which no answer came on any connection.
///
/// It says something about the server only if the load asks all the time: with thinking clients
/// alone there are gaps in the asking too.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Gap {
    /// When the last answer before it came, since the start of the load.
    #[serde(rename = "from_us", serialize_with = "crate::account::micros::serialize")]
    pub from: Duration,
    /// How long it was.
    #[serde(rename = "length_us", serialize_with = "crate::account::micros::serialize")]
    pub length: Duration,
}

/// Finds the longest gap while answers come in from many tasks. The lock is taken only when a gap
/// is longer than all before it, which soon is rare.
#[derive(Debug)]
pub(crate) struct GapMeter {
    /// When the asking ends: what comes later opens no gap.
    end_ns: AtomicU64,
    last_ns: AtomicU64,
    longest_ns: AtomicU64,
    longest: Mutex<Gap>,
}

impl Default for GapMeter {
    fn default() -> Self {
        Self {
            end_ns: AtomicU64::new(u64::MAX),
            last_ns: AtomicU64::default(),
            longest_ns: AtomicU64::default(),
            longest: Mutex::default(),
        }
    }
}

impl GapMeter {
    /// Nothing more is asked from then on. Answers to what is under way then may take long, and
    /// that is no silence: nobody else asks.
    pub(crate) fn ends(&self, at: Duration) {
        self.end_ns.fetch_min(nanos(at), Ordering::Relaxed);
    }

    /// An answer came so long after the start.
    pub(crate) fn answered(&self, at: Duration) {
        let at_ns = nanos(at).min(self.end_ns.load(Ordering::Relaxed));
        // The highest time stays, so that a task which comes late with its answer opens no gap.
        let last_ns = self.last_ns.fetch_max(at_ns, Ordering::Relaxed);
        let length_ns = at_ns.saturating_sub(last_ns);
        if length_ns > self.longest_ns.load(Ordering::Relaxed) {
            let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
            let length = Duration::from_nanos(length_ns);
            if length > longest.length {
                *longest = Gap { from: Duration::from_nanos(last_ns), length };
                self.longest_ns.store(length_ns, Ordering::Relaxed);
            }
        }
    }

    /// The longest gap so far, the one up to now included. Changes nothing.
    pub(crate) fn longest_until(&self, now: Duration) -> Gap {
        let from = Duration::from_nanos(self.last_ns.load(Ordering::Relaxed));
        let now_ns = nanos(now).min(self.end_ns.load(Ordering::Relaxed));
        let open = Gap { from, length: Duration::from_nanos(now_ns).saturating_sub(from) };
        let longest = *self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        if open.length > longest.length { open } else { longest }
    }

    /// The longest gap between the start, the answers and the end of the asking.
    pub(crate) fn longest(&self, asked_until: Duration) -> Gap {
        // The end is a bound like an answer: silence until the end is a gap as well.
        self.answered(asked_until);
        *self.longest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(answers_ms: &[u64], end_ms: u64) -> (u128, u128) {
        let meter = GapMeter::default();
        for at_ms in answers_ms {
            meter.answered(Duration::from_millis(*at_ms));
        }
        let gap = meter.longest(Duration::from_millis(end_ms));
        (gap.from.as_millis(), gap.length.as_millis())
    }

    #[test]
    fn start_middle_and_end_count() {
        assert_eq!(longest(&[50, 60, 70], 80), (0, 50), "before the first answer");
        assert_eq!(longest(&[10, 20, 320, 330], 340), (20, 300), "between two");
        assert_eq!(longest(&[10, 20], 90), (20, 70), "after the last");
        assert_eq!(longest(&[], 40), (0, 40), "no answer at all");
    }

    #[test]
    fn a_look_at_the_longest_so_far_closes_no_gap() {
        let meter = GapMeter::default();
        let ms = Duration::from_millis;
        meter.answered(ms(50));
        assert_eq!(meter.longest_until(ms(60)).length, ms(50));
        assert_eq!(meter.longest_until(ms(110)), Gap { from: ms(50), length: ms(60) });
        assert_eq!(meter.longest(ms(150)), Gap { from: ms(50), length: ms(100) });
    }

    #[test]
    fn late_news_opens_no_gap() {
        assert_eq!(longest(&[10, 20, 12, 25], 30), (0, 10));
    }

    #[test]
    fn answers_after_the_end_of_asking_close_it() {
        assert_eq!(longest(&[10, 35], 20), (10, 25));
    }
    #[test]
    fn answers_after_the_end_of_the_asking_open_no_gap() {
        let meter = GapMeter::default();
        let at = Duration::from_millis;
        meter.answered(at(30));
        meter.ends(at(50));
        meter.ends(at(70));
        meter.answered(at(2_000));
        assert_eq!(meter.longest_until(at(3_000)), Gap { from: at(0), length: at(30) });
        assert_eq!(meter.longest(at(50)), Gap { from: at(0), length: at(30) });
    }
}
