//! The way in which a trial tells processes apart. Refuses to do it.

use std::fmt;
use std::sync::Arc;

use super::Recognise;

/// How a trial tells the processes of a server apart, so that it sees whether a restart made a new
/// one.
#[derive(Clone)]
pub enum Recognition {
    /// By the answers, as the plan says; if none of them names its process, as
    /// [`Recognition::Processes`].
    Auto,
    /// By the answers.
    ///
    /// A process counts as new if it had not answered before the restart. Where several processes
    /// answer at the same time, the load must have met all of them by then: lead and connections
    /// enough see to that.
    Answers(Arc<dyn Recognise>),
    /// By `/proc`: which processes of this machine hold the listening socket.
    Processes,
    /// Not at all: a restart that did not change the process cannot be told then.
    Off,
}

impl Recognition {
    /// By the answers, in this way.
    #[must_use]
    pub fn answers(recognise: impl Recognise) -> Self {
        Self::Answers(Arc::new(recognise))
    }
}

impl fmt::Debug for Recognition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "Auto",
            Self::Answers(_) => "Answers",
            Self::Processes => "Processes",
            Self::Off => "Off",
        })
    }
}
