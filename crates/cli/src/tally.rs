//! `counters`: what clients saw, with a name for each number.
//!
//! Owns the words for counters and their order. Refuses to judge them.

use rekindle_prove::Tally;

use crate::text::count;

/// Part of what was reset and lost, told below both.
const CROSSED: &str = "of these, crossed";

/// One counter of a tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) name: &'static str,
    pub(crate) number: u64,
    /// Whether it is told even if it is zero.
    pub(crate) is_always_told: bool,
}

/// Everything, in the order in which it is told.
pub(crate) fn counters(tally: &Tally) -> [Counted; 13] {
    // Taken apart in full: a new counter that is forgotten here does not compile.
    let Tally {
        started,
        answered,
        refused,
        reset,
        lost,
        timed_out,
        wrong,
        could_not_measure,
        closed_between_requests,
        unsolicited,
        announced_close,
        crossed,
        never_sent,
    } = *tally;
    let told = |name, number| Counted { name, number, is_always_told: true };
    [
        told("requests", started),
        told("answered", answered),
        told("refused", refused),
        told("reset", reset),
        told("lost", lost),
        // Within `reset` and `lost`.
        Counted { name: CROSSED, number: crossed, is_always_told: false },
        told("timed out", timed_out),
        told("wrong answers", wrong),
        told("closed between requests", closed_between_requests),
        told("announced close", announced_close),
        told("unsolicited bytes", unsolicited),
        // Only in an open loop, and there mostly nothing.
        Counted { name: "never sent", number: never_sent, is_always_told: false },
        // Of this machine and not of the server: mostly there is nothing to say.
        Counted { name: "could not be measured", number: could_not_measure, is_always_told: false },
    ]
}

/// What was noticed, in words: `3 lost, 1 reset`; `nothing` if there was nothing.
pub(crate) fn noticed(tally: &Tally) -> String {
    let parts = noticed_parts(tally);
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// What was noticed, a part for each kind. Which of reset and lost have crossed is said after both.
pub(crate) fn noticed_parts(tally: &Tally) -> Vec<String> {
    let mut parts = Vec::<String>::new();
    // Without requests and answered.
    for counted in counters(tally).into_iter().skip(2).filter(|counted| counted.number > 0) {
        let number = count(counted.number);
        match parts.last_mut() {
            Some(last) if counted.name == CROSSED => {
                let of = if tally.reset > 0 && tally.lost > 0 { " of both" } else { "" };
                *last += &format!(" ({number}{of} crossed)");
            }
            None if counted.name == CROSSED => {}
            _ => parts.push(format!("{number} {}", counted.name)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noticed_is_told_and_no_more() {
        let mut tally = Tally { started: 2_000, answered: 1_000, crossed: 1, ..Tally::default() };
        assert_eq!(noticed(&tally), "nothing");
        tally.lost = 999;
        tally.announced_close = 1_000;
        assert_eq!(noticed(&tally), "999 lost (1 crossed), 1,000 announced close");
        tally.reset = 3;
        assert_eq!(noticed(&tally), "3 reset, 999 lost (1 of both crossed), 1,000 announced close");
        tally = Tally { could_not_measure: 1, ..Tally::default() };
        assert_eq!(noticed(&tally), "1 could not be measured");
    }

    #[test]
    fn every_counter_that_is_noticed_has_its_word() {
        let tally = Tally {
            started: 1,
            answered: 2,
            refused: 3,
            reset: 4,
            lost: 5,
            timed_out: 6,
            wrong: 7,
            could_not_measure: 8,
            closed_between_requests: 9,
            unsolicited: 10,
            announced_close: 11,
            never_sent: 12,
            crossed: 0,
        };
        let told: u64 = counters(&tally)[2..].iter().map(|counted| counted.number).sum();
        assert_eq!(told, tally.noticed() + tally.could_not_measure);
    }
}
