//! `run`: a trial from its check to its verdict.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use rekindle_prove::{ByField, ByPattern, Proof, Recognition, Trial, report};
use tokio::runtime::Runtime;

use super::answer::Answer;
use super::plan::{MarkdownPlan, Plan, Schedule, TrialPlan};
use super::progress::Display;
use super::reports::{Reports, about};
use super::restart::{check, with_restarts};
use super::summary::Summary;
use super::unfit::{told, unfit};
use super::verdict::Sentence;
use super::{examples, haste, load, room};
use crate::arguments::RecogniseArgument;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// How often what is shown is renewed.
const REFRESH: Duration = Duration::from_millis(100);

/// Does what was asked for and shows what it found.
pub(crate) fn run(plan: &Plan, output: Output) -> Result<ExitStatus, Failure> {
    match plan {
        Plan::Examples(example) => examples::show(*example, output),
        Plan::Trial(plan) => prove(plan, output),
    }
}

fn prove(plan: &TrialPlan, output: Output) -> Result<ExitStatus, Failure> {
    room::make(plan.groups.iter().map(|group| group.connections).sum())?;
    let runtime = Runtime::new().context("start the runtime")?;
    let found = runtime.block_on(conduct(plan));
    // An upgrade that is still being asked for is not waited for.
    runtime.shutdown_background();
    let Found { proof, interrupted, reports } = found?;
    let verdict = proof.verdict(&plan.allowances);
    let sentence = Sentence { proof: &proof, verdict: &verdict, interrupted };
    let printed = print(plan, sentence, output);
    // Whether or not: who reads standard output may be gone by now.
    reports.write(plan, &proof)?;
    printed?;
    Ok(sentence.status())
}

fn print(plan: &TrialPlan, sentence: Sentence<'_>, output: Output) -> Result<(), Failure> {
    let proof = sentence.proof;
    match &plan.markdown {
        Some(MarkdownPlan::Stdout) => output.text(report::markdown(proof, &about(plan)))?,
        _ => output.text(Summary { proof, sentence })?,
    }
    output.object(&Answer::new(plan, sentence))
}

/// What a trial came to, and where that is to be written.
struct Found {
    proof: Proof,
    /// What ended it early.
    interrupted: Option<Signal>,
    reports: Reports,
}

/// Checks, starts, and watches it to its end.
async fn conduct(plan: &TrialPlan) -> Result<Found, Failure> {
    let mut interrupt = Interrupt::new().context("handle signals")?;
    let trial = tokio::select! {
        trial = trial(plan) => trial?,
        signal = interrupt.arrived() => return Err(nothing_found(signal)),
    };
    let reports = Reports::open(plan)?;
    let mut display = Display::new(plan);
    display.begin(plan);
    let running = trial.start().map_err(told)?;
    let mut interrupted = None;
    let mut refresh = tokio::time::interval(REFRESH);
    while !running.is_finished() {
        tokio::select! {
            _ = refresh.tick() => display.show(plan, &running.progress()),
            signal = interrupt.arrived() => match interrupted {
                None => {
                    interrupted = Some(signal);
                    running.stop();
                }
                // Once more: whoever waits for requests under way has lost patience.
                Some(_) => return Err(nothing_found(signal)),
            },
        }
    }
    display.show(plan, &running.progress());
    drop(display);
    Ok(Found { proof: running.finished().await, interrupted, reports })
}

/// The trial, once it has been seen that it can prove something.
async fn trial(plan: &TrialPlan) -> Result<Trial, Failure> {
    let mut load = load::plan(plan).await?;
    if let Schedule::Alone { duration } = plan.schedule {
        load = load.duration(duration);
    }
    let trial = Trial::new(load).recognise_by(recognition(&plan.recognise)?);
    let trial = match &plan.schedule {
        Schedule::Alone { .. } => trial.times(0),
        Schedule::Restarts(restarts) => with_restarts(trial, restarts),
    };
    if let Schedule::Restarts(restarts) = &plan.schedule {
        check(restarts).await?;
    }
    let checked = trial.check().await.map_err(|error| unfit(&error))?;
    haste::warn(&plan.groups, &checked);
    Ok(trial)
}

fn recognition(how: &RecogniseArgument) -> Result<Recognition, Failure> {
    Ok(match how {
        RecogniseArgument::Auto => Recognition::Auto,
        RecogniseArgument::Proc => Recognition::Processes,
        RecogniseArgument::Off => Recognition::Off,
        RecogniseArgument::Header(name) => Recognition::answers(ByField::new(name)),
        RecogniseArgument::Body(pattern) => {
            let by_pattern = ByPattern::new(pattern).map_err(told)?;
            Recognition::answers(by_pattern)
        }
    })
}

fn nothing_found(signal: Signal) -> Failure {
    let error = anyhow!("finish: {signal} came before anything was found");
    Failure::new(ExitStatus::Interrupted, error)
}
