//! What a server can do wrong at a restart, each on a switch of its own. Refuses to do it: that is
//! the fault server's.

use std::time::Duration;

/// Something that goes wrong at a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The next version listens beside the old one, on a queue of its own. The old one then closes
    /// over those who wait to be accepted by it.
    ResetQueue(Queue),
    /// The old one closes over its queue, and nobody listens for so long.
    Refuse(Queue, Duration),
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

/// Those who wait to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How many there are: all that open connections, so that nobody else can come.
    pub waiting: usize,
    /// What all of them ask for.
    pub path: &'static str,
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
