//! A ticket: what whoever asked for an upgrade holds until the verdict is there.

use std::sync::Arc;

use rekindle_core::Refusal;

use crate::report::UpgradeReport;
use crate::watch::Watch;

type Outcome = Option<Result<UpgradeReport, Refusal>>;

/// A promise of a verdict. Clones are the same promise.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    outcome: Arc<Watch<Outcome>>,
}

impl Ticket {
    pub(crate) fn new() -> Self {
        Self { outcome: Arc::new(Watch::new(None)) }
    }

    pub(crate) fn settle(&self, outcome: Result<UpgradeReport, Refusal>) {
        self.outcome.change(|promised| *promised = Some(outcome));
    }

    #[cfg(feature = "tokio")]
    pub(crate) async fn outcome(&self) -> Result<UpgradeReport, Refusal> {
        self.outcome.until(Clone::clone).await
    }

    pub(crate) fn outcome_blocking(&self) -> Result<UpgradeReport, Refusal> {
        self.outcome.until_blocking(Clone::clone)
    }
}
