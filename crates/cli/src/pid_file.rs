//! The verbs by a pid file. A table of contents.

mod plan;
mod run;
mod since;
mod status;
mod stop;
mod upgrade;

pub(crate) use plan::{Order, Plan};
pub(crate) use run::run;
