//! How a connection stands that several lanes share. Owns which of them tells of its end, so that
//! it is told once; refuses to find that out: `tap` reads it off the wire.

use crate::account::cause::Cause;
use crate::http2::goodbye::Goodbye;
use crate::stream::Glance;
use crate::wrong::WrongAnswer;

/// The state of a connection.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many requests are under way on it.
    pub(crate) open: usize,
    /// How many may be.
    pub(crate) most_open: usize,
    /// Whether any has begun.
    pub(crate) is_used: bool,
    /// How many it has answered.
    pub(crate) answered: u64,
    /// What the server said before it ends.
    pub(crate) goodbye: Option<Goodbye>,
    /// How it ended.
    pub(crate) end: Option<End>,
    /// Whether a request was under way when it ended, which tells of it.
    pub(crate) broke_request: bool,
    /// Whether a lane has told of it.
    is_told: bool,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server, or the system, ended it.
    Cut(Cause),
    /// What the server sent is no HTTP/2: the client ended it.
    Broken(WrongAnswer),
}

impl Standing {
    /// A new connection, on which so many requests may be under way.
    pub(crate) fn allowing(most_open: usize) -> Self {
        Self { most_open, ..Self::default() }
    }

    /// Whether requests may begin on it.
    pub(crate) fn is_usable(&self) -> bool {
        self.goodbye.is_none() && self.end.is_none()
    }

    /// What a lane sees that has no request under way. Only one is told what is counted.
    pub(crate) fn look(&mut self) -> Glance {
        if self.is_usable() {
            return Glance::Quiet;
        }
        // Whoever has a request under way looks again when it has ended.
        let may_wait = self.goodbye.is_none() && self.open > 0;
        if self.is_told || self.broke_request && self.goodbye.is_none() || may_wait {
            return Glance::Left;
        }
        self.is_told = true;
        match (self.goodbye, self.end) {
            (Some(_), _) => Glance::Goodbye,
            (None, Some(End::Cut(cause))) => Glance::Ended(cause),
            (None, Some(End::Broken(wrong))) => Glance::Wrong(wrong),
            (None, None) => Glance::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Option<End> = Some(End::Cut(Cause::EndOfFile));

    #[test]
    fn a_usable_connection_is_quiet() {
        let mut standing = Standing { open: 1, answered: 7, ..Standing::default() };
        assert_eq!(standing.look(), Glance::Quiet);
        assert!(standing.is_usable());
    }

    #[test]
    fn one_lane_tells_of_a_goodbye_and_nobody_of_the_end_that_follows() {
        let goodbye = Some(Goodbye { last_stream: 1 });
        let mut standing = Standing { open: 2, goodbye, ..Standing::default() };
        assert_eq!([standing.look(), standing.look()], [Glance::Goodbye, Glance::Left]);
        standing.end = CUT;
        assert_eq!(standing.look(), Glance::Left);
        let mut cut_then = Standing { goodbye, end: CUT, broke_request: true, ..standing };
        assert_eq!(cut_then.look(), Glance::Left);
    }

    #[test]
    fn one_lane_tells_of_an_end_between_requests() {
        let mut standing = Standing { end: CUT, ..Standing::default() };
        let seen = [standing.look(), standing.look()];
        assert_eq!(seen, [Glance::Ended(Cause::EndOfFile), Glance::Left]);
        let end = Some(End::Broken(WrongAnswer::Head));
        assert_eq!(
            Standing { end, ..Standing::default() }.look(),
            Glance::Wrong(WrongAnswer::Head)
        );
    }

    #[test]
    fn an_end_under_a_request_is_that_requests_to_tell() {
        let mut standing = Standing { open: 1, end: CUT, ..Standing::default() };
        assert_eq!(standing.look(), Glance::Left, "it may have been answered just before");
        standing.open = 0;
        let broken = Standing { broke_request: true, ..standing };
        assert_eq!({ broken }.look(), Glance::Left);
        assert_eq!(standing.look(), Glance::Ended(Cause::EndOfFile), "it had been");
    }
}
