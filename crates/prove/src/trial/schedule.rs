//! What happens when. Refuses to wait.

use std::time::Duration;

const DEFAULT_TIMES: u32 = 10;
const DEFAULT_EVERY: Duration = Duration::from_secs(1);
/// A process that reads much before it serves takes longer than the usual second.
const LEAST_SETTLE: Duration = Duration::from_secs(5);

/// What happens when in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    pub(super) times: u32,
    pub(super) every: Duration,
    pub(super) lead: Option<Duration>,
    pub(super) settle: Option<Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { times: DEFAULT_TIMES, every: DEFAULT_EVERY, lead: None, settle: None }
    }
}

impl Schedule {
    pub(super) fn lead(&self) -> Duration {
        self.lead.unwrap_or(self.every)
    }

    pub(super) fn settle(&self) -> Duration {
        self.settle.unwrap_or(self.every.max(LEAST_SETTLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_follows_from_the_time_between_restarts() {
        let seconds = Duration::from_secs;
        let schedule = Schedule::default();
        assert_eq!((schedule.lead(), schedule.settle()), (seconds(1), seconds(5)));
        let slow = Schedule { every: seconds(9), ..schedule };
        assert_eq!((slow.lead(), slow.settle()), (seconds(9), seconds(9)));
        let said = Schedule { lead: Some(seconds(2)), settle: Some(seconds(3)), ..slow };
        assert_eq!((said.lead(), said.settle()), (seconds(2), seconds(3)));
    }
}
