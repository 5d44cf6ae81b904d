//! Moments on the driver's clock. This crate never reads a clock: it is told what time it is.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment, as the time since an epoch that the driver chose. Only differences have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(Duration);

impl Instant {
    /// The driver's epoch.
    pub const EPOCH: Self = Self(Duration::ZERO);

    /// The moment that lies `elapsed` after the driver's epoch.
    #[must_use]
    pub const fn after_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long it is from `earlier` to this moment; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates: a deadline beyond the end of time never comes, which is what it asks for.
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_the_end_of_time_never_comes() {
        let now = Instant::after_epoch(Duration::from_secs(5));
        assert_eq!(now + Duration::MAX, Instant::after_epoch(Duration::MAX));
    }

    #[test]
    fn the_time_since_a_later_moment_is_zero() {
        let early = Instant::after_epoch(Duration::from_secs(1));
        let late = Instant::after_epoch(Duration::from_secs(3));
        assert_eq!(late - early, Duration::from_secs(2));
        assert_eq!(early - late, Duration::ZERO);
    }
}
