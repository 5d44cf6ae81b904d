//! Which verb is which.

use super::conversation::Caller;
use super::plan::{Order, Plan};
use super::{hammer, status, stop, upgrade};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;

/// Asks the service, and shows what it answers.
pub(crate) fn run(plan: Plan, output: Output) -> Result<ExitStatus, Failure> {
    let Plan { path, order, timeout } = plan;
    let caller = Caller::new(path, timeout);
    match order {
        Order::Status => status::run(&caller, output),
        Order::Upgrade { wait, arguments } => upgrade::run(&caller, wait, arguments, output),
        Order::Stop => stop::run(&caller, output),
        Order::Hammer => hammer::run(&caller, output),
    }
}
