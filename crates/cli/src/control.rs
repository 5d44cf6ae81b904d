//! The verbs over a control socket. A table of contents.

mod conversation;
mod hammer;
mod plan;
mod run;
mod status;
mod stop;
mod upgrade;

pub(crate) use plan::{Order, Plan};
pub(crate) use run::run;
pub(crate) use upgrade::{answers, upgrade};
