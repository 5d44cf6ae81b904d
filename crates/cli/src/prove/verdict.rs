//! `Sentence`: the verdict in words, and the exit status that says the same.

use std::fmt;

use rekindle::Signal;
use rekindle_prove::{Notice, Proof, RestartOutcome, RestartState, Verdict};

use crate::exit_status::ExitStatus;
use crate::output::{BAD, GOOD, styled};
use crate::tally::noticed;
use crate::text::{count, printable_lines, short};

/// A verdict, and what it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sentence<'a> {
    pub(super) proof: &'a Proof,
    pub(super) verdict: &'a Verdict,
    /// What ended the trial early.
    pub(super) interrupted: Option<Signal>,
}

impl Sentence<'_> {
    pub(super) fn status(&self) -> ExitStatus {
        match (self.interrupted, self.verdict) {
            (Some(_), _) => ExitStatus::Interrupted,
            (None, Verdict::NothingNoticed | Verdict::Allowed) => ExitStatus::Done,
            (None, Verdict::Noticed) => ExitStatus::Noticed,
            (None, Verdict::CouldNotMeasure(_)) => ExitStatus::CouldNotRun,
        }
    }

    /// What it was that clients noticed, and which restarts were none.
    fn noticed(&self) -> String {
        let tally = &self.proof.outcome.tally;
        let mut text = match tally.noticed() {
            0 => "clients noticed nothing".to_owned(),
            _ => noticed(tally),
        };
        let unchanged = self.proof.count(Notice::Unchanged);
        if unchanged > 0 {
            let restarts = self.proof.restarts.len();
            text += &format!("; no new process was seen after {unchanged} of {restarts} restarts");
        }
        text
    }

    /// In which restarts, or in which time.
    fn during(&self) -> String {
        let requests = count(self.proof.outcome.tally.started);
        // One that was cut off in its midst is none.
        let is_made = |restart: &&RestartOutcome| restart.state != RestartState::UnderWay;
        match self.proof.restarts.iter().filter(is_made).count() {
            0 => format!("{requests} requests in {}", short(self.proof.outcome.elapsed)),
            1 => format!("1 restart, {requests} requests"),
            restarts => format!("{restarts} restarts, {requests} requests"),
        }
    }
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(signal) = self.interrupted {
            let early = styled(BAD, "Ended early");
            writeln!(formatter, "{early} by {signal}: this is what was found until then.")?;
        }
        let during = self.during();
        match self.verdict {
            Verdict::NothingNoticed => {
                let nothing = styled(GOOD, "Clients noticed nothing");
                write!(formatter, "{nothing}: {during}, none tried twice.")
            }
            Verdict::Allowed => {
                let allowed = styled(GOOD, "Clients noticed no more than was allowed");
                write!(formatter, "{allowed}: {}. {during}.", self.noticed())
            }
            Verdict::Noticed => {
                let something = match self.proof.outcome.tally.noticed() {
                    0 => styled(BAD, "Not restarted"),
                    _ => styled(BAD, "Clients noticed"),
                };
                write!(formatter, "{something}: {}. {during}.", self.noticed())
            }
            Verdict::CouldNotMeasure(obstacle) => {
                let unknown = styled(BAD, "Nothing is proven");
                write!(formatter, "{unknown}: {}", printable_lines(&obstacle.to_string()))
            }
        }
    }
}
