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
        let unrecognised =
            self.restarts.iter().find(|restart| restart.state == RestartState::Unrecognised);
        let requests = self.outcome.tally.could_not_measure;
        if (made as u64) < u64::from(planned) {
            Some(Obstacle::RestartsMissing { made, planned })
        } else if let Some(restart) = unrecognised {
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
