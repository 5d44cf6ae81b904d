//! The judgement on a proof. Owns the order of its grounds; refuses to count.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Proof;
use super::allowance::{Allowance, Notice};
use super::restart_outcome::RestartState;

/// The judgement on a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every request was answered, no connection ended unasked, and each restart changed the
    /// process.
    NothingNoticed,
    /// Clients noticed something, all of it within the allowances.
    Allowed,
    /// Clients noticed something that was not allowed.
    Noticed,
    /// Nothing was proven, for this reason.
    CouldNotMeasure(Obstacle),
}

/// Why nothing was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// A restart could not be asked for.
    RestartFailed {
        /// The number of the restart.
        number: u32,
        /// Why.
        error: String,
    },
    /// Not one request was answered.
    NothingAnswered,
    /// The trial was ended before all restarts were made.
    RestartsMissing {
        /// How many were made.
        made: usize,
        /// How many should have been.
        planned: u32,
    },
    /// The trial was ended before this restart, the last one, had come to its end.
    RestartUnderWay {
        /// The number of the restart.
        number: u32,
    },
    /// It could not be told which process answered.
    Unrecognised {
        /// The first restart with this.
        number: u32,
    },
    /// The client's own machine was out of something.
    ClientShort {
        /// How many requests could not be made for it.
        requests: u64,
    },
}

impl Proof {
    /// The judgement on this proof. Of several allowances for the same thing the last one holds.
    ///
    /// A restart that could not be asked for, or a server that never answered, is
    /// [`Verdict::CouldNotMeasure`] whatever was noticed. All other obstacles are only looked for
    /// if nothing was noticed beyond the allowances: a loss is a loss, also in half a trial.
    #[must_use]
    pub fn verdict(&self, allowances: &[Allowance]) -> Verdict {
        if let Some(obstacle) = self.nothing_shown() {
            return Verdict::CouldNotMeasure(obstacle);
        }
        let counts = Notice::ALL.map(|notice| (notice, self.count(notice)));
        let is_allowed = |(notice, count): (Notice, u64)| {
            let allowance = allowances.iter().rev().find(|one| one.notice() == notice);
            let whole = self.whole(notice);
            count == 0 || allowance.is_some_and(|allowance| allowance.covers(count, whole))
        };
        if !counts.into_iter().all(is_allowed) {
            return Verdict::Noticed;
        }
        match self.not_all_shown() {
            Some(obstacle) => Verdict::CouldNotMeasure(obstacle),
            None if counts.iter().all(|(_, count)| *count == 0) => Verdict::NothingNoticed,
            None => Verdict::Allowed,
        }
    }

    /// How often clients noticed this.
    #[must_use]
    pub fn count(&self, notice: Notice) -> u64 {
        match notice {
            Notice::Unchanged => {
                let states = self.restarts.iter().map(|restart| restart.state);
                states.filter(|state| *state == RestartState::Unchanged).count() as u64
            }
            of_tally => of_tally.count_in(&self.outcome.tally),
        }
    }

    /// What a share of this is a share of.
    fn whole(&self, notice: Notice) -> u64 {
        match notice {
            Notice::Unchanged => self.restarts.len() as u64,
            Notice::NeverSent => self.outcome.tally.started + self.outcome.tally.never_sent,
            _ => self.outcome.tally.started,
        }
    }

    /// Why what was counted shows nothing.
    fn nothing_shown(&self) -> Option<Obstacle> {
        let failed = self.restarts.iter().find_map(|restart| {
            let error = restart.error.clone()?;
            Some(Obstacle::RestartFailed { number: restart.number, error })
        });
        let is_silent = self.outcome.tally.answered == 0;
        failed.or(is_silent.then_some(Obstacle::NothingAnswered))
    }

    /// Why that nothing was noticed does not show that there was nothing.
    fn not_all_shown(&self) -> Option<Obstacle> {
        let (made, planned) = (self.restarts.len(), self.restarts_planned);
        let first = |state| self.restarts.iter().find(move |restart| restart.state == state);
        let requests = self.outcome.tally.could_not_measure;
        if (made as u64) < u64::from(planned) {
            Some(Obstacle::RestartsMissing { made, planned })
        } else if let Some(restart) = first(RestartState::UnderWay) {
            Some(Obstacle::RestartUnderWay { number: restart.number })
        } else if let Some(restart) = first(RestartState::Unrecognised) {
            Some(Obstacle::Unrecognised { number: restart.number })
        } else {
            (requests > 0).then_some(Obstacle::ClientShort { requests })
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RestartFailed { number, error } => {
                write!(formatter, "restart {number} could not be asked for: {error}")
            }
            Self::NothingAnswered => formatter.write_str("no request was answered"),
            Self::RestartsMissing { made, planned } => {
                write!(formatter, "the load ended after {made} of {planned} restarts")
            }
            Self::RestartUnderWay { number } => {
                write!(formatter, "the load ended while restart {number} was still under way")
            }
            Self::Unrecognised { number } => write!(
                formatter,
                "it cannot be told whether restart {number} changed the process: no answer named \
                 one, and none was seen at the socket"
            ),
            Self::ClientShort { requests } => write!(
                formatter,
                "{requests} requests could not be made: this machine had no port, descriptor or \
                 memory left for them"
            ),
        }
    }
}

impl Serialize for Obstacle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// A proof of five restarts in which nothing was noticed.
    fn quiet() -> Proof {
        let proof = fixture::quiet();
        assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed);
        proof
    }

    fn allow(texts: &[&str]) -> Vec<Allowance> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn each_counter_is_noticed_unless_it_is_allowed() {
        for notice in Notice::ALL {
            let mut proof = quiet();
            let tally = &mut proof.outcome.tally;
            match notice {
                Notice::Refused => tally.refused = 2,
                Notice::Reset => tally.reset = 2,
                Notice::Lost => tally.lost = 2,
                Notice::TimedOut => tally.timed_out = 2,
                Notice::Wrong => tally.wrong = 2,
                Notice::ClosedBetweenRequests => tally.closed_between_requests = 2,
                Notice::Unsolicited => tally.unsolicited = 2,
                Notice::AnnouncedClose => tally.announced_close = 2,
                Notice::NeverSent => tally.never_sent = 2,
                Notice::Unchanged => {
                    proof.restarts[1].state = RestartState::Unchanged;
                    proof.restarts[3].state = RestartState::Unchanged;
                }
            }
            assert_eq!(proof.verdict(&[]), Verdict::Noticed, "{notice}");
            let enough = [Allowance::count(notice, 2)];
            assert_eq!(proof.verdict(&enough), Verdict::Allowed, "{notice}");
            let few = [Allowance::count(notice, 2), Allowance::count(notice, 1)];
            assert_eq!(proof.verdict(&few), Verdict::Noticed, "the last one holds: {notice}");
        }
    }

    #[test]
    fn a_share_is_of_requests_or_of_restarts() {
        let mut proof = quiet();
        proof.outcome.tally.started = 10_000;
        proof.outcome.tally.lost = 10;
        proof.restarts[0].state = RestartState::Unchanged;
        assert_eq!(proof.verdict(&allow(&["lost=0.1%", "unchanged=20%"])), Verdict::Allowed);
        assert_eq!(proof.verdict(&allow(&["lost=0.0999%", "unchanged=20%"])), Verdict::Noticed);
        assert_eq!(proof.verdict(&allow(&["lost=0.1%", "unchanged=19%"])), Verdict::Noticed);
        let mut stalled = quiet();
        (stalled.outcome.tally.started, stalled.outcome.tally.never_sent) = (300, 700);
        assert_eq!(stalled.verdict(&allow(&["never_sent=70%"])), Verdict::Allowed, "of those due");
        assert_eq!(stalled.verdict(&allow(&["never_sent=69%"])), Verdict::Noticed);
    }

    #[test]
    fn a_loss_is_one_also_in_half_a_trial() {
        let mut proof = quiet();
        proof.restarts_planned = 9;
        proof.outcome.tally.could_not_measure = 3;
        let half = Obstacle::RestartsMissing { made: 5, planned: 9 };
        assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(half));
        proof.outcome.tally.lost = 1;
        assert_eq!(proof.verdict(&[]), Verdict::Noticed);
        proof.restarts_planned = 5;
        let short = Obstacle::ClientShort { requests: 3 };
        assert_eq!(proof.verdict(&allow(&["lost=1"])), Verdict::CouldNotMeasure(short));
    }

    #[test]
    fn without_a_restart_or_an_answer_nothing_is_shown_whatever_was_noticed() {
        let mut proof = quiet();
        proof.outcome.tally.lost = 1;
        let failed = proof.restarts.last_mut().unwrap();
        (failed.state, failed.error) = (RestartState::Failed, Some("no unit".to_owned()));
        let obstacle = Obstacle::RestartFailed { number: 5, error: "no unit".to_owned() };
        let text = "restart 5 could not be asked for: no unit";
        assert_eq!(obstacle.to_string(), text);
        assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle.clone()));
        let json = serde_json::to_value(Verdict::CouldNotMeasure(obstacle)).unwrap();
        assert_eq!(json, serde_json::json!({ "could_not_measure": text }));
        let mut silent = quiet();
        silent.outcome.tally.refused = 7;
        silent.outcome.tally.answered = 0;
        let verdict = silent.verdict(&[]);
        assert_eq!(verdict, Verdict::CouldNotMeasure(Obstacle::NothingAnswered));
    }

    #[test]
    fn a_last_restart_that_was_not_waited_for_is_no_proof() {
        let mut proof = quiet();
        proof.restarts[4].state = RestartState::UnderWay;
        let obstacle = Obstacle::RestartUnderWay { number: 5 };
        assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
    }

    #[test]
    fn who_cannot_be_told_apart_is_no_proof() {
        let mut proof = quiet();
        proof.restarts[2].state = RestartState::Unrecognised;
        let obstacle = Obstacle::Unrecognised { number: 3 };
        assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
        proof.restarts[2].state = RestartState::NotJudged;
        assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed);
    }
}
