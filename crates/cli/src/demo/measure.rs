//! `measure`: the upgrades under load.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::plan::Plan;
use super::progress::Progress;
use super::report::Report;
use super::server::{Generation, Server};
use crate::failure::Failure;

/// How long each generation is under load before it is replaced. Long enough that clients meet
/// every one of them many times, short enough that five are done in two seconds.
const LOAD_TIME: Duration = Duration::from_millis(300);

/// Loads the server, whose first generation serves, and upgrades it.
pub(super) async fn measure(
    plan: &Plan,
    server: &mut Server,
    first: Generation,
    progress: &Progress,
) -> Result<Report, Failure> {
    let address = first.address;
    progress.serving(plan, first);
    let started = Instant::now();
    let load = plan.load(address).start().context("load the server")?;
    let mut newest = first;
    let mut upgrades = Vec::new();
    progress.watch(&load, LOAD_TIME).await;
    for number in 1..=plan.upgrades {
        let upgrade = server.upgrade(newest).await?;
        newest = upgrade.new;
        progress.upgraded(number, plan, &upgrade);
        upgrades.push(upgrade);
        progress.watch(&load, LOAD_TIME).await;
    }
    let outcome = load.stop().await;
    Ok(Report::new(plan, address, started, &upgrades, outcome))
}
