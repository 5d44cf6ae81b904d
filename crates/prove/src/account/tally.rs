//! What is counted. Owns the counters and their balance; refuses to judge what belongs in which.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::account::failure::FailureKind;

/// What clients saw, counted from their side of the wire.
///
/// A request starts when its client first acts for it: the `connect` if it needs a connection, else
/// its first byte. A request that has started is never sent again and ends in exactly one of
/// `answered`, `refused`, `reset`, `lost`, `timed_out`, `wrong` and `could_not_measure`.
///
/// The struct is exhaustive on purpose: a table made of it stops compiling when a counter is added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Requests that were started.
    pub started: u64,
    /// A whole and right answer came: status 2xx, sound framing, the echo equal byte for byte,
    /// nothing after it.
    pub answered: u64,
    /// No connection: `connect` failed (`ECONNREFUSED`, no route, a Unix path that is absent, dead,
    /// or has a full queue). A TCP connection that met itself counts too: nobody listened. So does
    /// a TLS handshake that the server declined with an alert, and a datagram to a port at which
    /// nobody listens, of which the server's machine tells.
    ///
    /// A listener that is closed resets what waits in its queue. By its timing, `connect` fails
    /// with that reset and the request is refused, or it had succeeded and the request is `reset`:
    /// the sum of both says how many met that queue.
    pub refused: u64,
    /// The connection broke with an error (`ECONNRESET`, `EPIPE`) after the request had begun to be
    /// written and before its answer was whole, or in the handshake of TLS or a WebSocket.
    pub reset: u64,
    /// End of file after the request had begun to be written and before its answer was whole, or in
    /// a handshake. With TLS also where nobody had said that it ends
    /// ([`Cause::CutTls`](crate::Cause::CutTls)). On a WebSocket also a close frame in place of the
    /// answer ([`Cause::Goodbye`](crate::Cause::Goodbye)). With HTTP/2 also a second connection in
    /// a row that ended before any request had begun on it.
    pub lost: u64,
    /// No whole answer within the time limit of a request, which covers connecting too. A datagram
    /// that does not come back ends here; if it comes later, it is not counted again.
    pub timed_out: u64,
    /// An answer came and was not right; see [`WrongAnswer`](crate::WrongAnswer). A certificate
    /// that is not trusted is one, and a handshake of a WebSocket that is not answered with 101.
    pub wrong: u64,
    /// The client's own machine had no port, descriptor or memory left to connect with. It says
    /// nothing about the server, but what was not measured is not proven either.
    pub could_not_measure: u64,
    /// A kept connection ended, by end of file or error, while no request was under way on it and
    /// no goodbye had been said. The client reads while it rests, and asks the kernel once more
    /// right before it writes, so only a close that truly meets a request on the wire is `crossed`.
    pub closed_between_requests: u64,
    /// Bytes came on a kept connection while no request was under way on it.
    pub unsolicited: u64,
    /// Beside `answered`: the answer on a kept connection said that it is the last one, by
    /// `Connection: close`, by HTTP/1.0, or by a body that only the close ends; or a kept WebSocket
    /// said goodbye with a close frame while no message was under way. With HTTP/2, once for each
    /// connection on which the server said GOAWAY, whoever of its streams was under way.
    pub announced_close: u64,
    /// Requests of an open loop that were due before its end and never started, since the answer
    /// before them had not come by then. They are in none of the counters above, `started` neither.
    pub never_sent: u64,
    /// Of `reset` and `lost`, those on a connection that had answered before, with no byte of this
    /// answer: the close may have crossed the request on the wire. Lost for the client all the
    /// same: RFC 9110 §9.2.2 forbids to send a POST again by itself. With HTTP/2 the server may say
    /// it: streams that it refused unprocessed (`reset`), and those above the last one that its
    /// GOAWAY names (`lost`).
    pub crossed: u64,
}

impl Tally {
    /// Everything that a client could notice: all but `answered` and what is the client's own
    /// problem; what a user would have asked in vain is among it (`never_sent`). `crossed` is in
    /// `reset` and `lost` and is not counted twice.
    #[must_use]
    pub fn noticed(&self) -> u64 {
        self.refused
            + self.reset
            + self.lost
            + self.timed_out
            + self.wrong
            + self.closed_between_requests
            + self.unsolicited
            + self.announced_close
            + self.never_sent
    }

    /// Requests that have ended, one way or another.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.answered
            + self.refused
            + self.reset
            + self.lost
            + self.timed_out
            + self.wrong
            + self.could_not_measure
    }

    /// Requests that have started and not ended.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.started.saturating_sub(self.ended())
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        // Taken apart in full: a new counter that is forgotten here does not compile.
        let Self {
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
            never_sent,
            crossed,
        } = other;
        self.started += started;
        self.answered += answered;
        self.refused += refused;
        self.reset += reset;
        self.lost += lost;
        self.timed_out += timed_out;
        self.wrong += wrong;
        self.could_not_measure += could_not_measure;
        self.closed_between_requests += closed_between_requests;
        self.unsolicited += unsolicited;
        self.announced_close += announced_close;
        self.never_sent += never_sent;
        self.crossed += crossed;
    }
}

impl Tally {
    /// What was counted since an earlier look at the same counters.
    #[must_use]
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        // As with the sum: a new counter that is forgotten here does not compile.
        Self {
            started: self.started - earlier.started,
            answered: self.answered - earlier.answered,
            refused: self.refused - earlier.refused,
            reset: self.reset - earlier.reset,
            lost: self.lost - earlier.lost,
            timed_out: self.timed_out - earlier.timed_out,
            wrong: self.wrong - earlier.wrong,
            could_not_measure: self.could_not_measure - earlier.could_not_measure,
            closed_between_requests: self.closed_between_requests - earlier.closed_between_requests,
            unsolicited: self.unsolicited - earlier.unsolicited,
            announced_close: self.announced_close - earlier.announced_close,
            never_sent: self.never_sent - earlier.never_sent,
            crossed: self.crossed - earlier.crossed,
        }
    }
}

/// The counters of one connection: one writer, any number of readers, a cache line of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) started: Counter,
    pub(crate) answered: Counter,
    pub(crate) announced_close: Counter,
    pub(crate) never_sent: Counter,
    pub(crate) crossed: Counter,
    refused: Counter,
    reset: Counter,
    lost: Counter,
    timed_out: Counter,
    wrong: Counter,
    could_not_measure: Counter,
    closed_between_requests: Counter,
    unsolicited: Counter,
}

impl Counters {
    /// The counter of one kind of failure.
    pub(crate) fn of(&self, kind: FailureKind) -> &Counter {
        match kind {
            FailureKind::Refused => &self.refused,
            FailureKind::Reset => &self.reset,
            FailureKind::Lost => &self.lost,
            FailureKind::TimedOut => &self.timed_out,
            FailureKind::Wrong => &self.wrong,
            FailureKind::CouldNotMeasure => &self.could_not_measure,
            FailureKind::ClosedBetweenRequests => &self.closed_between_requests,
            FailureKind::Unsolicited => &self.unsolicited,
        }
    }

    /// What was counted so far. `started` is read last, so that no request seems to end unstarted.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally {
            started: 0,
            answered: self.answered.value(),
            refused: self.refused.value(),
            reset: self.reset.value(),
            lost: self.lost.value(),
            timed_out: self.timed_out.value(),
            wrong: self.wrong.value(),
            could_not_measure: self.could_not_measure.value(),
            closed_between_requests: self.closed_between_requests.value(),
            unsolicited: self.unsolicited.value(),
            announced_close: self.announced_close.value(),
            never_sent: self.never_sent.value(),
            crossed: self.crossed.value(),
        };
        tally.started = self.started.value();
        tally
    }
}

/// A count that one task raises and others read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        // Release: who reads the end of a request then also reads its start.
        self.0.fetch_add(number, Ordering::Release);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tally in which each counter has a value of its own, a power of two.
    fn powers() -> Tally {
        Tally {
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
            announced_close: 1024,
            crossed: 2048,
            never_sent: 4096,
        }
    }

    #[test]
    fn noticed_is_all_but_answers_and_own_problems() {
        assert_eq!(powers().noticed(), 4 + 8 + 16 + 32 + 64 + 256 + 512 + 1024 + 4096);
    }

    #[test]
    fn a_request_ends_in_one_of_seven() {
        assert_eq!(powers().ended(), 2 + 4 + 8 + 16 + 32 + 64 + 128);
        assert_eq!(Tally { started: 260, ..powers() }.under_way(), 6);
        assert_eq!(powers().under_way(), 0, "never below nothing");
    }

    #[test]
    fn sum_is_taken_counter_by_counter() {
        let mut sum = powers();
        sum += powers();
        let json = serde_json::to_value(sum).unwrap();
        for (place, key) in serde_json::to_value(powers()).unwrap().as_object().unwrap().iter() {
            assert_eq!(json[place].as_u64().unwrap(), 2 * key.as_u64().unwrap(), "{place}");
        }
    }

    #[test]
    fn what_was_counted_since_is_the_rest_of_the_sum() {
        let mut sum = powers();
        sum += powers();
        sum += powers();
        let mut twice = powers();
        twice += powers();
        assert_eq!(sum.since(&powers()), twice);
        assert_eq!(sum.since(&sum), Tally::default());
    }

    #[test]
    fn each_kind_of_failure_has_its_own_counter() {
        let counters = Counters::default();
        for (times, kind) in FailureKind::ALL.into_iter().enumerate() {
            for _ in 0..=times {
                counters.of(kind).add_one();
            }
        }
        let tally = counters.tally();
        let counted = [
            tally.refused,
            tally.reset,
            tally.lost,
            tally.timed_out,
            tally.wrong,
            tally.could_not_measure,
            tally.closed_between_requests,
            tally.unsolicited,
        ];
        assert_eq!(counted, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((tally.started, tally.answered, tally.crossed), (0, 0, 0));
    }
}
