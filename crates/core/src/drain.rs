//! The drain: a process that takes nothing new finishes what it has, until the hammer falls.
//!
//! ```text
//!             in flight = 0
//!   Running ───────────────────► Finished (drained)
//!      │
//!      └── deadline, or hammer ─► Cutting ─► Finished (what is left is cut, and counted)
//! ```
//!
//! A drain begins before it is known how much is in flight: that can only be counted once nothing
//! new comes, so the first count is the one it starts from. A process that resumes drops its
//! drain: there is nothing to undo, since a drain only counts.

use core::time::Duration;

use crate::time::Instant;

/// Why what was still in flight was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HammerCause {
    /// The drain deadline passed.
    Deadline,
    /// The operator asked for it: hammer signal, control socket, or a second stop.
    Operator,
    /// A newer generation asked for it: by its operator, or since too many generations drain.
    Newer,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DrainEnd {
    /// All that was in flight was finished.
    Drained,
    /// The hammer fell on what was left.
    Hammered(HammerCause),
}

/// What there is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Connections and other guarded work.
    pub in_flight: u64,
    /// How many of them only wait to be closed: to cut those is no loss.
    pub resting: u64,
    /// How many connections newer processes took over from this one so far.
    pub moved: u64,
}

impl Tally {
    /// So much is in flight, none of it resting, and nothing moved.
    #[must_use]
    pub const fn of(in_flight: u64) -> Self {
        Self { in_flight, resting: 0, moved: 0 }
    }
}

/// What a drain did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainReport {
    /// How it ended.
    pub end: DrainEnd,
    /// How much was in flight when it began.
    pub at_start: u64,
    /// How much was cut: the only loss there is.
    pub cut: u64,
    /// How many connections were closed at the end that only waited for it.
    pub rested: u64,
    /// How many connections newer processes took over.
    pub moved: u64,
    /// How long it took.
    pub took: Duration,
}

/// The drain machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Running {
        since: Instant,
        deadline: Instant,
        count: Option<Count>,
        /// What was finished before it began anew.
        earlier: Earlier,
    },
    /// The hammer fell, and what is left has yet to be cut.
    Cutting(DrainReport),
    Finished(DrainReport),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Count {
    at_start: u64,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Earlier {
    at_start: u64,
    took: Duration,
}

impl Drain {
    /// A drain that begins `now` and has `timeout` to finish what it will be told of.
    #[must_use]
    pub fn begin(now: Instant, timeout: Duration) -> Self {
        Self::begin_after(Earlier::default(), now, timeout)
    }

    fn begin_after(earlier: Earlier, now: Instant, timeout: Duration) -> Self {
        let deadline = now + timeout;
        Self { state: State::Running { since: now, deadline, count: None, earlier } }
    }

    /// The same drain, when the process accepts no more on listeners that it accepted on until
    /// `now`: one that was over, since nothing was in flight, begins anew, for something may be by
    /// now; its report is of both. One that runs keeps its deadline, and one that the hammer fell
    /// on is over.
    #[must_use]
    pub fn reopened(self, now: Instant, timeout: Duration) -> Self {
        match self.state {
            State::Finished(DrainReport { end: DrainEnd::Drained, at_start, took, .. }) => {
                Self::begin_after(Earlier { at_start, took }, now, timeout)
            }
            State::Running { .. } | State::Cutting(_) | State::Finished(_) => self,
        }
    }

    /// So much is in flight now.
    pub fn in_flight(&mut self, now: Instant, tally: Tally) {
        if let State::Running { count, .. } = &mut self.state {
            let at_start = count.map_or(tally.in_flight, |count| count.at_start);
            *count = Some(Count { at_start, tally });
            if tally.in_flight == 0 {
                self.finish(now, DrainEnd::Drained);
            }
        }
    }

    /// The hammer falls on what is left.
    pub fn hammer(&mut self, now: Instant, cause: HammerCause) {
        self.finish(now, DrainEnd::Hammered(cause));
    }

    /// The deadline, if it has come, lets the hammer fall.
    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Running { deadline, .. } if now >= deadline => {
                self.finish(now, DrainEnd::Hammered(HammerCause::Deadline));
            }
            State::Running { .. } | State::Cutting(_) | State::Finished(_) => {}
        }
    }

    /// When to call [`Drain::tick`] next.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Running { deadline, .. } => Some(deadline),
            State::Cutting(_) | State::Finished(_) => None,
        }
    }

    /// What it did, once it is over.
    #[must_use]
    pub const fn report(&self) -> Option<&DrainReport> {
        match &self.state {
            State::Running { .. } => None,
            State::Cutting(report) | State::Finished(report) => Some(report),
        }
    }

    /// Whether what is left has to be cut now. Says so once.
    pub fn take_cut(&mut self) -> bool {
        match self.state {
            State::Cutting(report) => {
                self.state = State::Finished(report);
                true
            }
            State::Running { .. } | State::Finished(_) => false,
        }
    }

    fn finish(&mut self, now: Instant, end: DrainEnd) {
        if let State::Running { since, count, earlier, .. } = self.state {
            let Count { at_start, tally } = count.unwrap_or_default();
            let at_start = earlier.at_start.saturating_add(at_start);
            let rested = tally.resting.min(tally.in_flight);
            let (cut, moved) = (tally.in_flight - rested, tally.moved);
            let took = earlier.took.saturating_add(now - since);
            let report = DrainReport { end, at_start, cut, rested, moved, took };
            self.state = match end {
                DrainEnd::Drained => State::Finished(report),
                DrainEnd::Hammered(_) => State::Cutting(report),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::after_epoch(Duration::from_secs(seconds))
    }

    const TIMEOUT: Duration = Duration::from_secs(60);

    fn report(end: DrainEnd, at_start: u64, cut: u64, took: Duration) -> DrainReport {
        DrainReport { end, at_start, cut, rested: 0, moved: 0, took }
    }

    fn drain_of(in_flight: u64) -> Drain {
        let mut drain = Drain::begin(at(1), TIMEOUT);
        drain.in_flight(at(1), Tally::of(in_flight));
        drain
    }

    #[test]
    fn nothing_in_flight_is_over_at_once() {
        let drain = drain_of(0);
        let expected = report(DrainEnd::Drained, 0, 0, Duration::ZERO);
        assert_eq!(drain.report(), Some(&expected));
        assert_eq!(drain.poll_timeout(), None);
    }

    #[test]
    fn it_ends_when_the_last_is_finished() {
        let mut drain = drain_of(3);
        drain.in_flight(at(2), Tally::of(1));
        assert_eq!(drain.report(), None);
        drain.in_flight(at(5), Tally::of(0));
        let took = Duration::from_secs(4);
        let expected = report(DrainEnd::Drained, 3, 0, took);
        assert_eq!(drain.report(), Some(&expected));
    }

    #[test]
    fn the_hammer_falls_at_the_deadline_and_not_before() {
        let mut drain = drain_of(3);
        assert_eq!(drain.poll_timeout(), Some(at(61)));
        drain.in_flight(at(2), Tally::of(2));
        drain.tick(at(60));
        assert_eq!(drain.report(), None);
        drain.tick(at(61));
        let end = DrainEnd::Hammered(HammerCause::Deadline);
        assert_eq!(drain.report(), Some(&report(end, 3, 2, TIMEOUT)));
        assert!(drain.take_cut());
        assert!(!drain.take_cut(), "what is left is cut once");
    }

    #[test]
    fn what_only_waits_to_be_closed_is_in_flight_and_not_cut() {
        let mut drain = drain_of(3);
        drain.in_flight(at(2), Tally { in_flight: 3, resting: 2, moved: 7 });
        assert_eq!(drain.report(), None);
        drain.tick(at(61));
        let report = drain.report().expect("the hammer fell");
        assert_eq!((report.cut, report.rested, report.moved), (1, 2, 7));
        // The two are not counted at one moment.
        let mut drain = drain_of(3);
        drain.in_flight(at(2), Tally { in_flight: 1, resting: 2, moved: 0 });
        drain.tick(at(61));
        let report = drain.report().expect("the hammer fell");
        assert_eq!((report.cut, report.rested), (0, 1));
    }

    #[test]
    fn it_is_not_over_before_anything_was_counted() {
        let mut drain = Drain::begin(at(1), TIMEOUT);
        drain.tick(at(2));
        assert_eq!(drain.report(), None);
    }

    #[test]
    fn only_one_that_was_drained_begins_anew() {
        let reopened = drain_of(0).reopened(at(10), TIMEOUT);
        assert_eq!(reopened, Drain::begin(at(10), TIMEOUT));
        let running = drain_of(2);
        assert_eq!(running.clone().reopened(at(10), TIMEOUT), running);
        let mut hammered = drain_of(2);
        hammered.hammer(at(2), HammerCause::Operator);
        assert_eq!(hammered.clone().reopened(at(10), TIMEOUT), hammered);
    }

    #[test]
    fn one_that_began_anew_reports_what_it_did_before() {
        let mut drain = drain_of(3);
        drain.in_flight(at(3), Tally::of(0));
        let mut drain = drain.reopened(at(10), TIMEOUT);
        drain.in_flight(at(10), Tally::of(2));
        drain.in_flight(at(11), Tally::of(0));
        let took = Duration::from_secs(2 + 1);
        let expected = report(DrainEnd::Drained, 5, 0, took);
        assert_eq!(drain.report(), Some(&expected));
    }

    #[test]
    fn the_first_end_is_the_end() {
        let mut drain = drain_of(3);
        drain.hammer(at(2), HammerCause::Operator);
        let first = *drain.report().expect("the hammer fell");
        drain.hammer(at(3), HammerCause::Newer);
        drain.in_flight(at(4), Tally::of(0));
        drain.tick(at(100));
        assert_eq!(drain.report(), Some(&first));
        assert_eq!(first.cut, 3);
    }
}
