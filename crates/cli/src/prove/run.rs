//! `run`: a trial from its check to its verdict.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rekindle::Signal;
use rekindle_prove::report::{self, About};
use rekindle_prove::{ByField, ByPattern, Proof, Recognition, Trial};
use tokio::runtime::Runtime;

use super::answer::Answer;
use super::plan::{MarkdownPlan, Plan, Schedule, TrialPlan};
use super::progress::Display;
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
    let found = runtime.block_on(conduct(plan, output));
    // A command that still runs as a restart is not waited for.
    runtime.shutdown_background();
    let (proof, interrupted) = found?;
    let verdict = proof.verdict(&plan.allowances);
    let sentence = Sentence { proof: &proof, verdict: &verdict, interrupted };
    // Files first: who reads standard output may be gone by now.
    write_reports(plan, &proof)?;
    match &plan.markdown {
        Some(MarkdownPlan::Stdout) => output.text(report::markdown(&proof, &about(plan)))?,
        _ => output.text(Summary { proof: &proof, sentence })?,
    }
    output.object(&Answer::new(plan, sentence))?;
    Ok(sentence.status())
}

/// Checks, starts, and watches it to its end.
async fn conduct(plan: &TrialPlan, output: Output) -> Result<(Proof, Option<Signal>), Failure> {
    let mut interrupt = Interrupt::new().context("handle signals")?;
    let trial = tokio::select! {
        trial = trial(plan) => trial?,
        signal = interrupt.arrived() => return Err(nothing_found(signal)),
    };
    let mut display = Display::new(plan, output);
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
    Ok((running.finished().await, interrupted))
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

fn write_reports(plan: &TrialPlan, proof: &Proof) -> Result<(), Failure> {
    if let Some(path) = &plan.html {
        write(path, &report::html(proof, &about(plan)))?;
    }
    if let Some(MarkdownPlan::File(path)) = &plan.markdown {
        write(path, &report::markdown(proof, &about(plan)))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::write(path, text);
    Ok(written.with_context(|| format!("write the report to `{}`", path.display()))?)
}

/// What stands at the head of a report.
fn about(plan: &TrialPlan) -> About {
    let place = plan.place();
    let about = About::new(format!("What clients notice of {place}")).fact("target", place);
    let about = match &plan.schedule {
        Schedule::Alone { .. } => about,
        Schedule::Restarts(restarts) => about
            .fact("restarted by", restarts.way.to_string())
            .fact("every", humantime::format_duration(restarts.every).to_string()),
    };
    let allowed: Vec<_> = plan.allowances.iter().map(ToString::to_string).collect();
    let about = if allowed.is_empty() { about } else { about.fact("allowed", allowed.join(", ")) };
    about.fact("seed", plan.seed.to_string())
}

fn nothing_found(signal: Signal) -> Failure {
    let error = anyhow!("finish: {signal} came before anything was found");
    Failure::new(ExitStatus::Interrupted, error)
}
