//! What the fault server did to whom. Owns the list; refuses to know what a client made of it.

use std::sync::{Mutex, MutexGuard};

use rekindle_prove::{Failure, FailureKind};

/// One harm that was done to one client, or that one saw done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// How many restarts had begun.
    pub restart: u32,
    /// What the client asked for.
    pub path: String,
    /// The client's port.
    pub port: u16,
    /// What was done.
    pub harm: Harm,
}

/// What is done to a client, in the words that it must find for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Its connection was reset under a request.
    Reset {
        /// It had answers before, and nothing of this one.
        crossed: bool,
    },
    /// Its connection was closed under a request.
    Lost {
        /// As above.
        crossed: bool,
    },
    /// It got no answer.
    TimedOut,
    /// It got another answer than it should.
    Wrong,
    /// Its connection was closed between two requests.
    ClosedBetweenRequests,
    /// It got what it had not asked for.
    Unsolicited,
    /// It was told, with an answer, that the connection ends.
    AnnouncedClose,
}

impl Harm {
    /// What a failure says was done; none for those that no server could do to a connection.
    #[must_use]
    pub const fn of(failure: &Failure) -> Option<Self> {
        let crossed = failure.crossed;
        match failure.kind {
            FailureKind::Reset => Some(Self::Reset { crossed }),
            FailureKind::Lost => Some(Self::Lost { crossed }),
            FailureKind::TimedOut => Some(Self::TimedOut),
            FailureKind::Wrong => Some(Self::Wrong),
            FailureKind::ClosedBetweenRequests => Some(Self::ClosedBetweenRequests),
            FailureKind::Unsolicited => Some(Self::Unsolicited),
            FailureKind::Refused | FailureKind::CouldNotMeasure => None,
        }
    }
}

/// All that was done so far.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Vec<Deed>>);

impl Ledger {
    pub(super) fn add(&self, deed: Deed) {
        self.lock().push(deed);
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// A copy, sorted.
    pub(super) fn sorted(&self) -> Vec<Deed> {
        let mut deeds = self.lock().clone();
        deeds.sort_unstable();
        deeds
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Deed>> {
        self.0.lock().unwrap()
    }
}
