//! What a program does when it is started: everything that a bad version could do.

use std::time::Duration;

use rekindle_core::VersionRange;

/// One version of the program.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) start: Start,
    pub(crate) conduct: Conduct,
    pub(crate) claim: Claim,
    pub(crate) versions: VersionRange,
    /// From the whole offer to ready.
    pub(crate) initialises: Duration,
    /// From its first accept to its word that it serves.
    pub(crate) announces: Duration,
}

/// How an attempt to start it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Runs,
    Missing,
    /// Its file is being written for so many more tries.
    Busy(u32),
    HookRefuses,
}

/// What it does once it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    Good,
    ExitsAtOnce,
    HangsAtOnce,
    ExitsWithItsOffer,
    HangsWithItsOffer,
    GivesUp,
    NeverSaysThatItServes,
    /// It crashes so long after its first accept.
    Crashes(Duration),
}

/// What it claims of the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    All,
    Backwards,
    Unoffered,
    Twice,
}

impl Program {
    pub(crate) const fn good() -> Self {
        Self {
            start: Start::Runs,
            conduct: Conduct::Good,
            claim: Claim::All,
            versions: VersionRange::new(1, 1),
            initialises: Duration::from_millis(300),
            announces: Duration::from_millis(20),
        }
    }

    pub(crate) const fn that(conduct: Conduct) -> Self {
        Self { conduct, ..Self::good() }
    }

    pub(crate) const fn started(start: Start) -> Self {
        Self { start, ..Self::good() }
    }

    pub(crate) const fn claiming(claim: Claim) -> Self {
        Self { claim, ..Self::good() }
    }

    /// Whether it will be ready, if it is let.
    pub(crate) const fn becomes_ready(&self) -> bool {
        match self.conduct {
            Conduct::Good | Conduct::NeverSaysThatItServes | Conduct::Crashes(_) => true,
            Conduct::ExitsAtOnce
            | Conduct::HangsAtOnce
            | Conduct::ExitsWithItsOffer
            | Conduct::HangsWithItsOffer
            | Conduct::GivesUp => false,
        }
    }

    /// The positions that it claims of an offer.
    pub(crate) fn claimed(&self, offered: usize) -> Vec<u32> {
        let offered = u32::try_from(offered).expect("an offer is small");
        match self.claim {
            Claim::All => (0..offered).collect(),
            Claim::Backwards => (0..offered).rev().collect(),
            Claim::Unoffered => (0..=offered).collect(),
            Claim::Twice => (0..offered).chain([0]).collect(),
        }
    }
}
