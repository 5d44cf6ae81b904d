//! `Report`: what the demo found, and the exit status that says so.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rekindle_prove::{Latency, Outcome};
use serde::{Serialize, Serializer};

use super::plan::Plan;
use super::server::Upgrade;
use crate::exit_status::ExitStatus;

/// What the demo found. As JSON it is what `demo --json` prints: see docs/cli.md.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Where the server listened.
    pub(super) address: SocketAddr,
    /// Where it was to listen; its port is another one if that was taken.
    pub(super) asked_address: SocketAddr,
    pub(super) connections: usize,
    /// How many things clients noticed. Zero is what an upgrade should leave.
    pub(super) noticed: u64,
    pub(super) upgrades: Vec<UpgradeReport>,
    /// Of all requests.
    pub(super) latency: Latency,
    /// All that the strict clients saw.
    pub(super) load: Outcome,
}

/// One upgrade.
#[derive(Debug, Serialize)]
pub(super) struct UpgradeReport {
    pub(super) old_generation: u64,
    pub(super) generation: u64,
    pub(super) old_pid: u32,
    pub(super) pid: u32,
    /// From the signal until the new process said that it serves.
    #[serde(rename = "committed_us", serialize_with = "micros")]
    pub(super) committed: Duration,
    /// From the signal until the last answer of an old process; `None` if the new one never
    /// answered.
    #[serde(rename = "only_new_us", serialize_with = "optional_micros")]
    pub(super) only_new: Option<Duration>,
}

impl Report {
    /// `started` is when the load began: its own times count from there.
    pub(super) fn new(
        plan: &Plan,
        address: SocketAddr,
        started: Instant,
        upgrades: &[Upgrade],
        load: Outcome,
    ) -> Self {
        let upgrades = upgrades.iter().map(|upgrade| UpgradeReport::new(upgrade, started, &load));
        let mut groups = load.groups.iter().map(|group| &group.latency);
        let mut latency = groups.next().expect("a plan has a group").clone();
        groups.for_each(|group| latency.merge(group));
        Self {
            address,
            asked_address: plan.listen,
            connections: plan.connections,
            noticed: load.noticed,
            upgrades: upgrades.collect(),
            latency,
            load,
        }
    }

    /// What it means for the exit status. What was not measured is not proven.
    pub(super) fn status(&self) -> ExitStatus {
        match (self.noticed, self.is_measured()) {
            (1.., _) => ExitStatus::Noticed,
            (0, true) => ExitStatus::Done,
            (0, false) => ExitStatus::CouldNotRun,
        }
    }

    /// Whether every request was answered or noticed, and each generation answered some.
    fn is_measured(&self) -> bool {
        let all_answered = self.upgrades.iter().all(|upgrade| upgrade.only_new.is_some());
        all_answered && self.load.tally.answered > 0 && self.load.tally.could_not_measure == 0
    }
}

impl UpgradeReport {
    fn new(upgrade: &Upgrade, started: Instant, load: &Outcome) -> Self {
        let Upgrade { old, new, begun, committed } = *upgrade;
        let answered = load.generations.iter().any(|one| one.responder.generation == new.number);
        let ended = load.earlier_ended(new.number).filter(|_| answered);
        let begun = begun.duration_since(started);
        Self {
            old_generation: old.number,
            generation: new.number,
            old_pid: old.pid,
            pid: new.pid,
            committed,
            only_new: ended.map(|ended| ended.saturating_sub(begun)),
        }
    }
}

fn micros<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn optional_micros<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => micros(time, to),
        None => to.serialize_none(),
    }
}
