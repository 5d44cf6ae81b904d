//! The look before a trial. Owns one request of each group; refuses to count it anywhere.

use crate::account::failure::Failure;
use crate::plan::Plan;
use crate::plan::error::PlanError;
use crate::recognise::recognition::Recognition;

/// Why a trial would prove nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The load cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A request was not answered right.
    #[error("ask `{request}` once before the trial, as {group} would: {} ({})", .failure.kind, .failure.cause)]
    NotAnswered {
        /// What the group is called.
        group: String,
        /// What it asks.
        request: String,
        /// What came instead.
        failure: Box<Failure>,
    },
}

pub(super) async fn check(
    plan: &Plan,
    _recognition: &Recognition,
    _times: u32,
) -> Result<(), CheckError> {
    let outcome = plan.clone().once().start()?.wait().await;
    let Some(failure) = outcome.failures.into_iter().next() else {
        return Ok(());
    };
    let group = &outcome.groups[failure.group];
    Err(CheckError::NotAnswered {
        group: group.mode.to_string(),
        request: group.request.clone(),
        failure: Box::new(failure),
    })
}
