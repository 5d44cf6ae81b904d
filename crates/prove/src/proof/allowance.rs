//! How much of what clients notice is allowed. Owns the budget and its text; refuses to judge:
//! `verdict` does.

use std::fmt;
use std::str::FromStr;

use crate::account::tally::Tally;

/// Parts in one: a share is kept as a whole number of these, so that a budget is exact.
const WHOLE: u64 = 1_000_000_000;
/// How many digits of a percentage are after its point, at most: what is finer is not in `WHOLE`.
const PERCENT_DECIMALS: usize = 7;

/// Something that clients notice, and that a budget can be given for: what [`Tally::noticed`] adds
/// up, and restarts that changed no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// [`Tally::refused`].
    Refused,
    /// [`Tally::reset`].
    Reset,
    /// [`Tally::lost`].
    Lost,
    /// [`Tally::timed_out`].
    TimedOut,
    /// [`Tally::wrong`].
    Wrong,
    /// [`Tally::closed_between_requests`].
    ClosedBetweenRequests,
    /// [`Tally::unsolicited`].
    Unsolicited,
    /// [`Tally::announced_close`].
    AnnouncedClose,
    /// [`Tally::never_sent`].
    NeverSent,
    /// Restarts after which no new process was seen.
    Unchanged,
}

impl Notice {
    /// All of them, in the order of the counters.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::Reset,
        Self::Lost,
        Self::TimedOut,
        Self::Wrong,
        Self::ClosedBetweenRequests,
        Self::Unsolicited,
        Self::AnnouncedClose,
        Self::NeverSent,
        Self::Unchanged,
    ];

    /// Its name in an allowance: that of the counter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Lost => "lost",
            Self::TimedOut => "timed_out",
            Self::Wrong => "wrong",
            Self::ClosedBetweenRequests => "closed_between_requests",
            Self::Unsolicited => "unsolicited",
            Self::AnnouncedClose => "announced_close",
            Self::NeverSent => "never_sent",
            Self::Unchanged => "unchanged",
        }
    }

    /// How much of it there is in a tally; a tally knows nothing of restarts.
    pub(crate) fn count_in(self, tally: &Tally) -> u64 {
        match self {
            Self::Refused => tally.refused,
            Self::Reset => tally.reset,
            Self::Lost => tally.lost,
            Self::TimedOut => tally.timed_out,
            Self::Wrong => tally.wrong,
            Self::ClosedBetweenRequests => tally.closed_between_requests,
            Self::Unsolicited => tally.unsolicited,
            Self::AnnouncedClose => tally.announced_close,
            Self::NeverSent => tally.never_sent,
            Self::Unchanged => 0,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A budget for one thing that clients notice: `announced_close=5` of them, or `lost=0.1%` of the
/// requests that were started (of `never_sent`, of those that were due); of `unchanged`, of the
/// restarts that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    notice: Notice,
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Count(u64),
    /// So many of `WHOLE`.
    Share(u64),
}

impl Allowance {
    /// So many, at most.
    #[must_use]
    pub fn count(notice: Notice, at_most: u64) -> Self {
        Self { notice, limit: Limit::Count(at_most) }
    }

    /// What it is for.
    #[must_use]
    pub fn notice(&self) -> Notice {
        self.notice
    }

    /// Whether so many of a whole are within the budget.
    pub(crate) fn covers(&self, count: u64, whole: u64) -> bool {
        match self.limit {
            Limit::Count(at_most) => count <= at_most,
            Limit::Share(share) => {
                u128::from(count) * u128::from(WHOLE) <= u128::from(whole) * u128::from(share)
            }
        }
    }
}

impl FromStr for Allowance {
    type Err = AllowanceError;

    fn from_str(text: &str) -> Result<Self, AllowanceError> {
        let (name, limit) = text.split_once('=').ok_or_else(|| no_limit(text))?;
        let notice = Notice::ALL.into_iter().find(|notice| notice.name() == name);
        let notice = notice.ok_or_else(|| AllowanceError::Kind { kind: name.to_owned() })?;
        let parsed = match limit.strip_suffix('%') {
            Some(percent) => share(percent).map(Limit::Share),
            None if !limit.starts_with('+') => limit.parse().ok().map(Limit::Count),
            None => None,
        };
        let limit = parsed
            .ok_or_else(|| AllowanceError::Limit { kind: notice, limit: limit.to_owned() })?;
        Ok(Self { notice, limit })
    }
}

/// A kind alone, or something that is none.
fn no_limit(text: &str) -> AllowanceError {
    match Notice::ALL.iter().any(|notice| notice.name() == text) {
        true => AllowanceError::NoLimit { text: text.to_owned() },
        false => AllowanceError::Kind { kind: text.to_owned() },
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Count(count) => write!(formatter, "{}={count}", self.notice),
            Limit::Share(share) => {
                let percent = WHOLE / 100;
                let decimals = format!("{:0width$}", share % percent, width = PERCENT_DECIMALS);
                let decimals = decimals.trim_end_matches('0');
                let point = if decimals.is_empty() { "" } else { "." };
                write!(formatter, "{}={}{point}{decimals}%", self.notice, share / percent)
            }
        }
    }
}

/// A percentage from 0 to 100, as a share of `WHOLE`.
fn share(percent: &str) -> Option<u64> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > PERCENT_DECIMALS {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    let parts: u64 = format!("{decimals:0<width$}", width = PERCENT_DECIMALS).parse().ok()?;
    Some(whole * (WHOLE / 100) + parts).filter(|share| *share <= WHOLE)
}

/// A text that is no allowance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowanceError {
    /// There is no `=`.
    #[error("allow `{text}`: say how much: `{text}=5` or `{text}=0.1%`")]
    NoLimit {
        /// The text.
        text: String,
    },
    /// Nothing is called that.
    #[error("allow `{kind}`: nothing is called that; there are {}", Names)]
    Kind {
        /// What stands before the `=`.
        kind: String,
    },
    /// It is no number.
    #[error(
        "allow `{kind}={limit}`: write a number, as `{kind}=5`, or a percentage up to 100, as \
         `{kind}=0.1%`"
    )]
    Limit {
        /// What stands before the `=`.
        kind: Notice,
        /// What stands after the `=`.
        limit: String,
    },
}

/// The names of all kinds.
struct Names;

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&Notice::ALL.map(Notice::name).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(text: &str) -> Allowance {
        text.parse().unwrap()
    }

    #[test]
    fn a_count_is_at_most_that() {
        let five = allowance("announced_close=5");
        assert_eq!(five, Allowance::count(Notice::AnnouncedClose, 5));
        assert!(five.covers(5, 5) && !five.covers(6, 1_000_000));
    }

    #[test]
    fn a_share_is_exact_at_its_bound() {
        let share = allowance("lost=0.1%");
        assert!(share.covers(1, 1_000) && !share.covers(1, 999) && !share.covers(2, 1_999));
        assert!(share.covers(0, 0) && !share.covers(1, 0));
        let finest = allowance("lost=0.0000001%");
        assert!(finest.covers(1, 1_000_000_000) && !finest.covers(1, 999_999_999));
        assert!(allowance("lost=100%").covers(u64::MAX, u64::MAX));
    }

    #[test]
    fn every_kind_has_a_name_that_is_read_and_written() {
        for notice in Notice::ALL {
            for limit in ["0", "7", "0%", "0.25%", "100%", "12.0000001%"] {
                let text = format!("{notice}={limit}");
                assert_eq!(allowance(&text).to_string(), text);
                assert_eq!(allowance(&text).notice(), notice);
            }
        }
    }

    #[test]
    fn the_kinds_are_what_a_tally_calls_noticed() {
        let tally = Tally {
            refused: 1,
            reset: 2,
            lost: 4,
            timed_out: 8,
            wrong: 16,
            closed_between_requests: 32,
            unsolicited: 64,
            announced_close: 128,
            never_sent: 4_096,
            crossed: 256,
            answered: 512,
            started: 1_024,
            could_not_measure: 2_048,
        };
        let sum: u64 = Notice::ALL.into_iter().map(|notice| notice.count_in(&tally)).sum();
        assert_eq!(sum, tally.noticed());
        let json = serde_json::to_value(tally).unwrap();
        for notice in Notice::ALL.into_iter().filter(|notice| *notice != Notice::Unchanged) {
            assert_eq!(json[notice.name()].as_u64(), Some(notice.count_in(&tally)));
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        let error = |text: &str| text.parse::<Allowance>().unwrap_err().to_string();
        assert!(error("lost").ends_with("say how much: `lost=5` or `lost=0.1%`"));
        assert!(error("5x").contains("nothing is called that; there are refused, "));
        assert!(error("losses=1").ends_with("never_sent, unchanged"), "{}", error("losses=1"));
        for limit in ["", "-1", "+1", "x", "1.5", "101%", "100.1%", "1.%", ".5%", "%", "1e3%"] {
            let text = error(&format!("lost={limit}"));
            assert!(
                text.starts_with(&format!("allow `lost={limit}`: write a number, as `lost=5`")),
                "{text}"
            );
        }
        assert!(error("lost=0.00000001%").contains("percentage"), "too fine to be kept");
    }
}
