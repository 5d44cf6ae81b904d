//! What a proof says, in a sentence. Refuses to weigh: the verdict does.

use crate::proof::Proof;
use crate::proof::allowance::{Allowance, Notice};
use crate::proof::verdict::{Obstacle, Verdict};
use crate::report::counters;
use crate::report::words::{count, counted, foreign, listed};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Clients noticed nothing, or no more than was allowed.
    Good,
    /// They noticed something, or a restart changed nothing.
    Bad,
    /// It cannot be said.
    Unproven,
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
    pub(crate) fn of(proof: &Proof, allowances: &[Allowance]) -> Self {
        let noticed = noticed(proof);
        let verdict = proof.verdict(allowances);
        let mut further = Vec::new();
        let (mark, sentence) = match &verdict {
            Verdict::NothingNoticed => (Mark::Good, format!("{noticed}.")),
            Verdict::Allowed => (Mark::Good, format!("{noticed}. That is within what is allowed.")),
            Verdict::Noticed => (Mark::Bad, format!("{noticed}.")),
            Verdict::CouldNotMeasure(obstacle) => {
                further.push(format!("{noticed}."));
                (Mark::Unproven, unproven(obstacle))
            }
        };
        further.extend(unchanged(proof));
        if verdict == Verdict::Noticed {
            further.extend(gaps(proof));
        }
        Self { mark, sentence, further }
    }
}

fn unproven(obstacle: &Obstacle) -> String {
    let reason = foreign(&obstacle.to_string());
    let end = if reason.ends_with(['.', '…']) { "" } else { "." };
    format!("This proves nothing: {reason}{end}")
}

fn noticed(proof: &Proof) -> String {
    let tally = &proof.outcome.tally;
    let during = match proof.restarts.len() {
        0 => "without a restart".to_owned(),
        restarts => format!("in {}", counted(restarts as u64, "restart", "restarts")),
    };
    let kinds: Vec<_> = counters::noticed(tally)
        .iter()
        .filter(|named| named.count > 0)
        .map(|named| format!("{} {}", count(named.count), named.name))
        .collect();
    if kinds.is_empty() {
        format!("Clients noticed nothing {during}")
    } else {
        format!("Clients noticed {} {during}", listed(&kinds))
    }
}

/// Restarts that were none.
fn unchanged(proof: &Proof) -> Option<String> {
    let unchanged = proof.count(Notice::Unchanged);
    let all = count(proof.restarts.len() as u64);
    let which = match (unchanged, proof.restarts.len()) {
        (0, _) => return None,
        (_, 1) => "The restart".to_owned(),
        (unchanged, _) => format!("{} of {all} restarts", count(unchanged)),
    };
    Some(format!("{which} brought no new process in time."))
}

/// What is missing in a proof that shows enough without it.
fn gaps(proof: &Proof) -> Vec<String> {
    let (made, planned) = (proof.restarts.len() as u64, u64::from(proof.restarts_planned));
    let requests = proof.outcome.tally.could_not_measure;
    let mut gaps = Vec::new();
    if made < planned {
        gaps.push(format!("Only {} of {} restarts were made.", count(made), count(planned)));
    }
    if requests > 0 {
        gaps.push(format!(
            "{} could not be made: the client's own machine was out of ports, descriptors or \
             memory.",
            counted(requests, "request", "requests")
        ));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn judged(proof: &Proof, allowances: &[&str]) -> Judgement {
        let allowances: Vec<_> = allowances.iter().map(|text| text.parse().unwrap()).collect();
        Judgement::of(proof, &allowances)
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let judgement = judged(&fixture::quiet(), &[]);
        assert_eq!(judgement.mark, Mark::Good);
        assert_eq!(judgement.sentence, "Clients noticed nothing in 5 restarts.");
        assert_eq!(judgement.further, [""; 0]);
    }

    #[test]
    fn what_was_noticed_is_said_by_kind() {
        let mut proof = fixture::quiet();
        (proof.outcome.tally.lost, proof.outcome.tally.refused) = (1, 1_200);
        let judgement = judged(&proof, &[]);
        assert_eq!(judgement.mark, Mark::Bad);
        let sentence = "Clients noticed 1,200 refused and 1 lost in 5 restarts.";
        assert_eq!(judgement.sentence, sentence);
    }

    #[test]
    fn what_is_allowed_is_said_all_the_same() {
        let mut proof = fixture::quiet();
        proof.outcome.tally.announced_close = 2;
        let judgement = judged(&proof, &["announced_close=2"]);
        assert_eq!(judgement.mark, Mark::Good);
        assert_eq!(
            judgement.sentence,
            "Clients noticed 2 announced close in 5 restarts. That is within what is allowed."
        );
        assert_eq!(judged(&proof, &["announced_close=1"]).mark, Mark::Bad);
    }

    #[test]
    fn a_restart_that_was_none_is_bad() {
        let proof = fixture::rich();
        let judgement = judged(&proof, &[]);
        assert_eq!(judgement.mark, Mark::Bad);
        let unchanged = "1 of 10 restarts brought no new process in time.";
        assert_eq!(judgement.further, [unchanged]);
    }

    #[test]
    fn what_proves_nothing_says_why_and_what_was_noticed() {
        let judgement = judged(&fixture::empty(), &[]);
        assert_eq!(judgement.mark, Mark::Unproven);
        assert_eq!(judgement.sentence, "This proves nothing: no request was answered.");
        assert_eq!(judgement.further, ["Clients noticed nothing without a restart."]);
    }

    #[test]
    fn what_is_missing_is_said_beside_a_loss() {
        let mut proof = fixture::quiet();
        proof.restarts_planned = 9;
        proof.outcome.tally.lost = 1;
        proof.outcome.tally.could_not_measure = 3;
        let further = judged(&proof, &[]).further;
        assert_eq!(further[0], "Only 5 of 9 restarts were made.");
        assert!(further[1].starts_with("3 requests could not be made:"), "{further:?}");
    }
}
