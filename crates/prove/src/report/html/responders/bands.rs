//! The bands of processes: by their answers, or, if no answer told, by who was seen to hold the
//! listener. Refuses to draw them.

use std::time::Duration;

use crate::account::generation::GenerationOutcome;
use crate::proof::Proof;
use crate::recognise::Responder;

/// A process, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) responder: Responder,
    pub(crate) first: Duration,
    pub(crate) last: Duration,
}

/// All bands of a proof.
pub(crate) fn of(proof: &Proof) -> Vec<Band> {
    match named(proof) {
        [] => held(proof),
        known => known.iter().map(answered).collect(),
    }
}

/// The processes that answers named: none, if they were only seen.
pub(crate) fn named(proof: &Proof) -> &[GenerationOutcome] {
    let known = proof.outcome.generations.as_slice();
    if known.iter().any(|one| one.answered > 0) { known } else { &[] }
}

fn answered(outcome: &GenerationOutcome) -> Band {
    Band { responder: outcome.responder, first: outcome.first, last: outcome.last }
}

/// From each new process that was seen to the next one. How long the one before held the listener
/// beside it is not known.
fn held(proof: &Proof) -> Vec<Band> {
    let mut seen: Vec<_> = proof.restarts.iter().filter_map(|it| it.change.as_ref()).collect();
    seen.sort_by_key(|change| change.at);
    // There was somebody before: else nobody could have been told to be new.
    let first = seen.first().map(|_| (Duration::ZERO, Responder { generation: 1, pid: None }));
    let begun: Vec<_> =
        first.into_iter().chain(seen.iter().map(|it| (it.at, it.responder))).collect();
    let ends = begun.iter().skip(1).map(|(at, _)| *at).chain([proof.outcome.elapsed]);
    let band = |((first, responder), last)| Band { responder, first, last };
    begun.iter().copied().zip(ends).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn answers_tell_before_anything_else() {
        let proof = fixture::rich();
        let known = &proof.outcome.generations;
        let expected: Vec<_> = known.iter().map(answered).collect();
        assert_eq!(of(&proof), expected);
    }

    #[test]
    fn without_them_each_process_has_its_time_from_when_it_was_seen() {
        let mut proof = fixture::rich();
        // As they are if they were only seen.
        proof.outcome.generations.iter_mut().for_each(|one| one.answered = 0);
        let changes: Vec<_> = proof.restarts.iter().filter_map(|it| it.change.clone()).collect();
        let bands = of(&proof);
        assert_eq!(bands.len(), 1 + changes.len());
        assert_eq!((bands[0].first, bands[0].responder.pid), (Duration::ZERO, None));
        for (band, change) in bands.iter().skip(1).zip(&changes) {
            assert_eq!((band.first, band.responder), (change.at, change.responder));
        }
        for pair in bands.windows(2) {
            assert_eq!(pair[0].last, pair[1].first);
        }
        assert_eq!(bands.last().unwrap().last, proof.outcome.elapsed);
    }

    #[test]
    fn where_nobody_was_seen_there_are_none() {
        let mut proof = fixture::rich();
        proof.outcome.generations.clear();
        proof.restarts.iter_mut().for_each(|restart| restart.change = None);
        assert_eq!(of(&proof), []);
    }
}
