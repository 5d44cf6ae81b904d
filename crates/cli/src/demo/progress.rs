//! `Progress`: what the demo says while it runs, on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rekindle_prove::Load;
use tokio::time::{Instant, sleep_until};

use super::plan::Plan;
use super::server::{Generation, Upgrade};
use crate::output::{Format, Output};
use crate::text::{count, short};

/// How often the numbers on a terminal are renewed.
const REFRESH: Duration = Duration::from_millis(50);
const TEMPLATE: &str = "{spinner} {bar:20} {pos}/{len} upgrades   {msg}";

/// What the demo says while it runs.
#[derive(Debug)]
pub(super) enum Progress {
    /// A bar that moves, on a terminal.
    Bar(ProgressBar),
    /// A line for each event, where somebody keeps them.
    Lines,
    /// Nothing: a program reads the answer.
    Silent,
}

impl Progress {
    pub(super) fn new(plan: &Plan, output: Output) -> Self {
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(TEMPLATE);
            let bar = ProgressBar::new(plan.upgrades.into());
            bar.set_style(style.expect("the template is a constant that indicatif accepts"));
            return Self::Bar(bar);
        }
        match output.format() {
            Format::Text => Self::Lines,
            Format::Json => Self::Silent,
        }
    }

    /// The first generation serves, and the load begins.
    pub(super) fn serving(&self, plan: &Plan, first: Generation) {
        let Generation { pid, address, .. } = first;
        let taken = match plan.listen.port() {
            0 => String::new(),
            port if port == address.port() => String::new(),
            _ => format!(", since {} is taken", plan.listen),
        };
        let connections = plan.connections;
        self.say(&format!("pid {pid} serves on {address}{taken}; {connections} connections ask"));
    }

    /// An upgrade was committed.
    pub(super) fn upgraded(&self, number: u32, plan: &Plan, upgrade: &Upgrade) {
        match self {
            Self::Bar(bar) => bar.set_position(number.into()),
            Self::Lines => {
                let Generation { number: generation, pid, .. } = upgrade.new;
                let (all, committed) = (plan.upgrades, short(upgrade.committed));
                self.say(&format!(
                    "upgrade {number} of {all}: pid {pid}, generation {generation}, serves after \
                     {committed}"
                ));
            }
            Self::Silent => {}
        }
    }

    /// Lets the load go on for a while, and shows how it does.
    pub(super) async fn watch(&self, load: &Load, time: Duration) {
        let end = Instant::now() + time;
        let Self::Bar(bar) = self else {
            return sleep_until(end).await;
        };
        while Instant::now() < end {
            let tally = load.snapshot();
            let (answered, noticed) = (count(tally.answered), count(tally.noticed()));
            bar.set_message(format!("{answered} requests answered, {noticed} noticed"));
            bar.tick();
            sleep_until(end.min(Instant::now() + REFRESH)).await;
        }
    }

    fn say(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.println(line),
            // Progress that cannot be shown is no reason to stop.
            Self::Lines => _ = writeln!(anstream::stderr(), "{line}"),
            Self::Silent => {}
        }
    }
}

impl Drop for Progress {
    /// In every outcome: what follows does not stand beside half a bar.
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
