//! `Display`: what `prove` says while it runs, on standard error.
//!
//! Owns the form: a bar that moves on a terminal, or else a line for each thing that happened.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rekindle_prove::{Progress, RestartOutcome, RestartState};

use super::plan::{Schedule, TrialPlan};
use super::words;
use crate::tally::noticed;
use crate::text::{count, printable_lines, short};

const RESTARTS: &str = "{spinner} {bar:12} {pos}/{len} restarts   {wide_msg}";
const ALONE: &str = "{spinner} {bar:12} {wide_msg}";

/// After which time a line is due where nothing else is told: CI jobs that are silent are killed.
const LINE_TIME: Duration = Duration::from_secs(10);
/// Over which time the rate is taken: long enough to be read.
const RATE_TIME: Duration = Duration::from_millis(500);

/// What is shown while a trial runs.
#[derive(Debug)]
pub(super) struct Display {
    form: Form,
    /// How many restarts have been told as over.
    told: usize,
    line: Instant,
    rate: Rate,
}

#[derive(Debug)]
enum Form {
    Bar(ProgressBar),
    Lines,
}

impl Display {
    pub(super) fn new(plan: &TrialPlan) -> Self {
        let form = match std::io::stderr().is_terminal() {
            true => Form::Bar(bar(&plan.schedule)),
            false => Form::Lines,
        };
        Self { form, told: 0, line: Instant::now(), rate: Rate::default() }
    }

    /// What stands before all others.
    pub(super) fn begin(&self, plan: &TrialPlan) {
        let connections: usize = plan.groups.iter().map(|group| group.connections).sum();
        let modes: Vec<_> = plan.groups.iter().map(|group| group.name.as_str()).collect();
        let (url, modes) = (plan.place(), modes.join(", "));
        self.say(&format!("{connections} connections ask {url} ({modes})"));
    }

    /// What has become of the trial so far.
    pub(super) fn show(&mut self, plan: &TrialPlan, progress: &Progress) {
        let rate = self.rate.of(progress);
        let done = progress.restarts.iter().take_while(|restart| is_over(restart)).count();
        let newly = progress.restarts[self.told.min(done)..done].to_vec();
        self.told = done;
        let counts = counts(progress, rate);
        if let Form::Bar(bar) = &self.form {
            match plan.schedule {
                Schedule::Restarts(_) => bar.set_position(done as u64),
                Schedule::Alone { .. } => bar.set_position(millis(progress.elapsed)),
            }
            bar.set_message(counts.clone());
            bar.tick();
        }
        for restart in &newly {
            // On a terminal the bar counts those that went well.
            if matches!(self.form, Form::Lines) || restart.state != RestartState::Changed {
                let planned = progress.restarts_planned;
                let became = restarted(restart, planned);
                let gap = if became.contains('\n') { "\n  " } else { "; " };
                self.say(&format!("{became}{gap}so far: {counts}"));
            }
            self.line = Instant::now();
        }
        if matches!(self.form, Form::Lines) && self.line.elapsed() >= LINE_TIME {
            self.line = Instant::now();
            self.say(&format!("after {}: {counts}", short(progress.elapsed)));
        }
    }

    /// A line of its own.
    pub(super) fn say(&self, line: &str) {
        match &self.form {
            Form::Bar(bar) => bar.println(line),
            // Progress that cannot be shown is no reason to stop.
            Form::Lines => _ = writeln!(anstream::stderr(), "{line}"),
        }
    }
}

impl Drop for Display {
    /// In every outcome: what follows does not stand beside half a bar.
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar(schedule: &Schedule) -> ProgressBar {
    let (length, template) = match schedule {
        Schedule::Restarts(restarts) => (restarts.times.into(), RESTARTS),
        Schedule::Alone { duration } => (millis(*duration), ALONE),
    };
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(length);
    bar.set_style(style.expect("the template is a constant that indicatif accepts"));
    bar
}

fn is_over(restart: &RestartOutcome) -> bool {
    restart.state != RestartState::UnderWay
}

fn counts(progress: &Progress, rate: u64) -> String {
    let (answered, rate) = (count(progress.tally.answered), count(rate));
    let noticed = noticed(&progress.tally);
    format!("{answered} answered, {rate}/s; noticed: {noticed}")
}

/// What became of a restart, in a line.
fn restarted(restart: &RestartOutcome, planned: u32) -> String {
    let (number, at) = (restart.number, short(restart.at));
    let became = match (&restart.change, &restart.error, restart.state) {
        (Some(change), ..) => {
            let after = short(change.at.saturating_sub(restart.at));
            format!(
                "{} {} after {after}",
                words::responder(&change.responder),
                words::sign(change.seen_by)
            )
        }
        (None, Some(error), _) => format!("failed to {}", printable_lines(error)),
        (None, None, state) => words::state(state).to_owned(),
    };
    format!("restart {number} of {planned} at {at}: {became}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How many answers a second there were of late.
#[derive(Debug, Default)]
struct Rate {
    since: Duration,
    answered: u64,
    per_second: u64,
}

impl Rate {
    fn of(&mut self, progress: &Progress) -> u64 {
        self.at(progress.elapsed, progress.tally.answered)
    }

    fn at(&mut self, elapsed: Duration, answered: u64) -> u64 {
        let time = elapsed.saturating_sub(self.since);
        if time >= RATE_TIME {
            let more = answered.saturating_sub(self.answered);
            self.per_second = (more as f64 / time.as_secs_f64()).round() as u64;
            (self.since, self.answered) = (elapsed, answered);
        } else if self.since.is_zero() && !time.is_zero() {
            return (answered as f64 / time.as_secs_f64()).round() as u64;
        }
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_last_moment() {
        let mut rate = Rate::default();
        let at = Duration::from_millis;
        assert_eq!(rate.at(at(0), 0), 0);
        assert_eq!(rate.at(at(100), 40), 400, "the first moment is all there is");
        assert_eq!(rate.at(at(1_000), 500), 500);
        assert_eq!(rate.at(at(1_200), 900), 500, "not renewed that fast");
        assert_eq!(rate.at(at(2_000), 500), 0, "nothing came since");
    }
}
