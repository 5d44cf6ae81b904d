//! What a server can do wrong at a restart, each on a switch of its own. Refuses to do it: that is
//! the fault server's.

use std::time::Duration;

/// Something that goes wrong at a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens for so long. Whoever waited to be accepted is reset.
    RefuseFor(Duration),
    /// The next version listens beside the old one, on a queue of its own. The old one then closes
    /// over those who wait to be accepted by it: so many, all of which ask for this path.
    ResetQueue {
        /// How many wait.
        waiting: usize,
        /// What they ask for.
        path: &'static str,
    },
    /// Kept connections without a request under way are closed, without a word.
    CloseIdle,
    /// They are sent an answer that nobody asked for, and closed.
    TalkToIdle,
    /// Connections with a request under way are reset.
    CutInFlight,
    /// They are closed, in order.
    EndInFlight,
    /// So many answers after the restart are not what they should be.
    Answers(Twist, usize),
}

/// What is not right with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// The first half of it comes, and an end of file.
    Half,
    /// Its status is 503.
    Unavailable,
    /// It is not HTTP.
    Garbage,
    /// The last byte of the body that is echoed is another one.
    OtherEcho,
    /// It says that the connection ends with it.
    Goodbye,
    /// It comes so much later.
    Late(Duration),
    /// It never comes.
    Never,
}
