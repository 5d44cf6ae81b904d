//! What a proof says, in a sentence. Refuses to weigh: any noticed thing is said.

use crate::proof::Proof;
use crate::proof::restart_outcome::RestartOutcome;
use crate::report::counters;
use crate::report::words::{count, counted, foreign, listed};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Clients noticed nothing.
    Nothing,
    /// They noticed something, or a restart changed nothing.
    Noticed,
    /// It cannot be said.
    NotMeasured,
}

/// A proof in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) mark: Mark,
    /// What clients noticed, in one sentence.
    pub(crate) sentence: String,
    /// What else has to be known of it, a sentence each.
    pub(crate) further: Vec<String>,
}

impl Judgement {
    pub(crate) fn of(proof: &Proof) -> Self {
        let tally = &proof.outcome.tally;
        let unchanged = proof.restarts.iter().filter(|restart| is_unchanged(restart)).count();
        let failed = proof.restarts.iter().find(|restart| restart.error.is_some());
        let mut further = Vec::new();
        if unchanged > 0 {
            let restarts = counted(unchanged as u64, "restart", "restarts");
            further.push(format!("{restarts} did not change the process that answers."));
        }
        if let Some(restart) = failed {
            further.push(failure(restart));
        }
        if tally.could_not_measure > 0 {
            let times = counted(tally.could_not_measure, "request", "requests");
            further.push(format!(
                "The client's own machine could not send {times}: it was out of ports, \
                 descriptors or memory."
            ));
        }
        if tally.answered == 0 {
            further.push("No request was answered at all.".to_owned());
        }
        let unmeasured = failed.is_some() || tally.could_not_measure > 0 || tally.answered == 0;
        let mark = if unmeasured {
            Mark::NotMeasured
        } else if tally.noticed() > 0 || unchanged > 0 {
            Mark::Noticed
        } else {
            Mark::Nothing
        };
        Self { mark, sentence: sentence(proof, mark), further }
    }
}

/// Whether a restart was asked for and no new process was seen.
pub(crate) fn is_unchanged(restart: &RestartOutcome) -> bool {
    restart.error.is_none() && restart.change.is_none()
}

fn failure(restart: &RestartOutcome) -> String {
    let error = foreign(restart.error.as_deref().unwrap_or_default());
    format!("Restart {} could not be asked for: {error}", restart.number)
}

fn sentence(proof: &Proof, mark: Mark) -> String {
    let tally = &proof.outcome.tally;
    let during = match proof.restarts.len() {
        0 => "without a restart".to_owned(),
        restarts => format!("in {}", counted(restarts as u64, "restart", "restarts")),
    };
    let noticed: Vec<_> = counters::noticed(tally)
        .iter()
        .filter(|named| named.count > 0)
        .map(|named| format!("{} {}", count(named.count), named.name))
        .collect();
    let what = if noticed.is_empty() {
        format!("Clients noticed nothing {during}")
    } else {
        let times = counted(tally.noticed(), "failure", "failures");
        format!("Clients noticed {times} {during}: {}", listed(&noticed))
    };
    match mark {
        Mark::Nothing | Mark::Noticed => format!("{what}."),
        Mark::NotMeasured => format!("This proves nothing. {what}."),
    }
}
