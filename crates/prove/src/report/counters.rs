//! The counters of a tally and what people call them. Refuses to count.

use crate::account::tally::Tally;

/// A counter, by name, with what it says of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) count: u64,
}

/// How many counters [`noticed`] tells.
pub(crate) const NOTICED: usize = 9;

/// What a client could notice: together they are [`Tally::noticed`].
pub(crate) fn noticed(tally: &Tally) -> [Named; NOTICED] {
    // Taken apart in full: a new counter that is forgotten here does not compile.
    let Tally {
        started: _,
        answered: _,
        refused,
        reset,
        lost,
        timed_out,
        wrong,
        could_not_measure: _,
        closed_between_requests,
        unsolicited,
        announced_close,
        never_sent,
        crossed: _,
    } = *tally;
    let named = |name, count, meaning| Named { name, meaning, count };
    [
        named("refused", refused, "no connection could be had"),
        named("reset", reset, "an error broke the connection before its answer was whole"),
        named("lost", lost, "the connection ended before its answer was whole"),
        named("timed out", timed_out, "no whole answer came within the time limit"),
        named("wrong", wrong, "an answer came, and it was not right"),
        named(
            "closed between requests",
            closed_between_requests,
            "a kept connection ended without a goodbye while no request was under way on it",
        ),
        named("unsolicited", unsolicited, "bytes came while no request was under way"),
        named(
            "announced close",
            announced_close,
            "the answer was right and said that it is the last one on its kept connection",
        ),
        named(
            "never sent",
            never_sent,
            "due before the end, and its connection was not free by then",
        ),
    ]
}

/// What is not the server's doing.
pub(crate) fn unmeasured(tally: &Tally) -> Named {
    Named {
        name: "could not measure",
        meaning: "the client's own machine was out of ports, descriptors or memory",
        count: tally.could_not_measure,
    }
}

/// What stands beside: part of another counter, or not the server's doing.
pub(crate) fn beside(tally: &Tally) -> [Named; 2] {
    let crossed = Named {
        name: "crossed",
        meaning: "of reset and lost: the close may have crossed the request on the wire",
        count: tally.crossed,
    };
    [crossed, unmeasured(tally)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noticed_is_told_in_full() {
        let tally = Tally {
            started: 1,
            answered: 2,
            refused: 4,
            reset: 8,
            lost: 16,
            timed_out: 32,
            wrong: 64,
            could_not_measure: 128,
            closed_between_requests: 256,
            unsolicited: 512,
            announced_close: 1_024,
            crossed: 2_048,
            never_sent: 4_096,
        };
        let told = noticed(&tally);
        assert_eq!(told.iter().map(|named| named.count).sum::<u64>(), tally.noticed());
        assert!(told.iter().all(|named| named.count.is_power_of_two()), "each by itself: {told:?}");
        assert_eq!(beside(&tally).map(|named| named.count), [2_048, 128]);
    }
}
