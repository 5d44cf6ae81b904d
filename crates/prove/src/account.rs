//! The account of a load: what was counted, how long it took, what went wrong, and when.

pub(crate) mod arrival;
pub(crate) mod cause;
pub(crate) mod failure;
pub(crate) mod failure_log;
pub(crate) mod fault;
pub(crate) mod gap;
pub(crate) mod generation;
pub(crate) mod latency;
pub(crate) mod micros;
pub(crate) mod outcome;
pub(crate) mod tally;
