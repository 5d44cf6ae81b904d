//! `Answer`: what `prove --json` prints. docs/prove.md describes each field.

use rekindle_prove::{Proof, Verdict};
use serde::Serialize;

use super::plan::{Schedule, TrialPlan};
use super::verdict::Sentence;

/// What `prove --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    /// Where the server was asked.
    target: String,
    /// How it was restarted; `None` if it was left alone.
    restart: Option<String>,
    verdict: &'static str,
    /// Why nothing is proven.
    reason: Option<String>,
    /// The signal that ended it early.
    interrupted_by: Option<String>,
    /// The allowances, as they were given.
    allowed: Vec<String>,
    seed: u64,
    #[serde(flatten)]
    proof: &'a Proof,
}

impl<'a> Answer<'a> {
    pub(super) fn new(plan: &TrialPlan, sentence: Sentence<'a>) -> Self {
        let (verdict, reason) = match sentence.verdict {
            Verdict::NothingNoticed => ("nothing_noticed", None),
            Verdict::Allowed => ("allowed", None),
            Verdict::Noticed => ("noticed", None),
            Verdict::CouldNotMeasure(obstacle) => ("could_not_measure", Some(obstacle.to_string())),
        };
        Self {
            target: plan.place(),
            restart: match &plan.schedule {
                Schedule::Alone { .. } => None,
                Schedule::Restarts(restarts) => Some(restarts.way.to_string()),
            },
            verdict,
            reason,
            interrupted_by: sentence.interrupted.map(|signal| signal.to_string()),
            allowed: plan.allowances.iter().map(ToString::to_string).collect(),
            seed: plan.seed,
            proof: sentence.proof,
        }
    }
}
