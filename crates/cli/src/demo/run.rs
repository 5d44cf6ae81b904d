//! `run`: the demo from its start to its end, in every outcome.

use anyhow::{Context as _, anyhow};
use tokio::runtime::Runtime;

use super::measure::measure;
use super::plan::Plan;
use super::progress::Progress;
use super::server::Server;
use super::summary::Summary;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Runs the demo and shows what it found.
pub(crate) fn run(plan: &Plan, output: Output) -> Result<ExitStatus, Failure> {
    let runtime = Runtime::new().context("start the runtime")?;
    let report = runtime.block_on(async {
        let mut interrupt = Interrupt::new().context("handle signals")?;
        let (mut server, first) = tokio::select! {
            started = Server::start(plan.listen) => started?,
            signal = interrupt.arrived() => return Err(interrupted(signal)),
        };
        let progress = Progress::new(plan, output);
        let report = tokio::select! {
            report = measure(plan, &mut server, first, &progress) => report,
            signal = interrupt.arrived() => Err(interrupted(signal)),
        };
        drop(progress);
        let stopped = server.stop().await;
        report.and_then(|report| stopped.map(|()| report))
    })?;
    output.text(Summary(&report))?;
    output.object(&report)?;
    Ok(report.status())
}

fn interrupted(signal: rekindle::Signal) -> Failure {
    let error = anyhow!("finish: {signal} came, and the server was stopped");
    Failure::new(ExitStatus::Interrupted, error)
}
