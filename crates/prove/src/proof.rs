//! What a server's restarts came to: the account of the load, told apart by restart and by time.

pub(crate) mod allowance;
pub(crate) mod restart_outcome;
pub(crate) mod timeline;
pub(crate) mod verdict;
pub(crate) mod window;

use serde::Serialize;

use self::restart_outcome::RestartOutcome;
use self::timeline::Timeline;
use self::window::Window;
use crate::account::outcome::Outcome;

/// What clients noticed while a server was restarted, and when.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// All that the clients saw.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How many restarts there should have been. Fewer were made if the trial was stopped, if one
    /// failed, or if the load ended before.
    pub restarts_planned: u32,
    /// The restarts that were made, in their order.
    pub restarts: Vec<RestartOutcome>,
    /// The account of each restart: the first is of the time before any, the others begin with one
    /// restart each and end with the next. Their counters add up to those of the outcome.
    pub windows: Vec<Window>,
    /// The account of each moment.
    pub timeline: Timeline,
}
