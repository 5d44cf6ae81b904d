//! What must hold at every moment, and what must hold at certain ones.
//!
//! - Some process accepts on each listener, or will within the time that a take-over may need.
//! - No two accept, but for the instant between an old process's resuming and the end of a new
//!   one that took over too late.
//! - Each upgrade has one verdict within a bounded time, and its child is reaped by then unless
//!   it took over.
//! - A drain ends by its deadline.
//! - When all is quiet, one process serves, and holds nothing of the past.
//! - A kept connection is served by no more than one process, and is never in nobody's hands.
//!
//! Time in which some process hangs does not count: nobody can do anything in it.

use std::time::Duration;

use rekindle_core::{DrainReport, Instant, LifePhase, Message, Verdict, decode};

use crate::process::{Condition, Newcomer, Process};
use crate::program::Conduct;
use crate::world::{Pid, World};

/// The longest that nobody may accept: the take-over timeout, and what a program needs to
/// initialise that goes on alone.
const DARK_LIMIT: Duration = Duration::from_millis(5_500);

/// The longest that two may accept: a message, or a signal, and what it takes to act on it.
const OVERLAP_LIMIT: Duration = Duration::from_millis(20);

/// What a decision may be late by: messages and signals need their time.
const SLACK: Duration = Duration::from_millis(100);

/// The machines' own limits, which the settings do not have.
const TAKE_OVER: Duration = Duration::from_secs(5);
const EXIT_GRACE: Duration = Duration::from_secs(1);

/// What was seen so far.
#[derive(Debug)]
pub(crate) struct Watch {
    service: Vec<String>,
    /// The service is over: its operator ended it, or the only process that could serve was
    /// struck.
    pub(crate) over: bool,
    /// How often an old process accepted again whose successor was late to say that it serves.
    pub(crate) late_rollbacks: usize,
    /// Whether a process was ever stopped for a while, or frames were slow.
    pub(crate) disturbed: bool,
    light: Light,
    dark_for: Duration,
    overlap_for: Duration,
}

/// How many accept on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Light {
    None,
    One,
    Several,
}

impl Watch {
    pub(crate) const fn new(service: Vec<String>) -> Self {
        Self {
            service,
            over: false,
            late_rollbacks: 0,
            disturbed: false,
            light: Light::One,
            dark_for: Duration::ZERO,
            overlap_for: Duration::ZERO,
        }
    }
}

impl World {
    /// Time passes, and all stays as it is in it.
    pub(crate) fn pass_time(&mut self, at: Instant) {
        let passed = at - self.now;
        self.now = self.now.max(at);
        if passed.is_zero() || self.alive().any(|(_, process)| hangs(process)) {
            return;
        }
        let bound =
            self.settings.start_timeout + TAKE_OVER + self.settings.probation + EXIT_GRACE + SLACK;
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.verdict.is_none()) {
            if self.processes[attempt.requester].is_alive() {
                attempt.open_for += passed;
                assert!(attempt.open_for <= bound, "an upgrade without a verdict");
            }
        }
        let latency = self.latency;
        let watch = &mut self.watch;
        match watch.light {
            Light::None if !watch.over => {
                watch.dark_for += passed;
                assert!(watch.dark_for <= DARK_LIMIT + 2 * latency, "nobody accepts");
            }
            Light::Several => {
                watch.overlap_for += passed;
                assert!(watch.overlap_for <= OVERLAP_LIMIT + 2 * latency, "two accept");
            }
            Light::None | Light::One => {}
        }
    }

    /// Looks at what has just changed.
    pub(crate) fn look(&mut self) {
        let acceptors = |name: &String| {
            self.alive().filter(|(_, process)| process.accepting.contains(name)).count()
        };
        let counts: Vec<usize> = self.watch.service.iter().map(acceptors).collect();
        let light = match (counts.iter().min(), counts.iter().max()) {
            (_, Some(2..)) => Light::Several,
            (Some(0), _) => Light::None,
            _ => Light::One,
        };
        let watch = &mut self.watch;
        if light != Light::None {
            watch.dark_for = Duration::ZERO;
        }
        if light == Light::Several {
            assert!(watch.late_rollbacks > 0, "two accept, and nobody was late");
        } else {
            watch.overlap_for = Duration::ZERO;
        }
        watch.light = light;
    }

    /// A process was struck: may its service be over?
    pub(crate) fn judge_blow(&mut self) {
        if !self.alive().any(|(_, process)| self.is_heir(process)) {
            self.watch.over = true;
        }
    }

    /// Whether `process` serves, or will now that another one was struck.
    fn is_heir(&self, process: &Process) -> bool {
        if !process.accepting.is_empty() {
            return true;
        }
        if process.life.phase() == LifePhase::Draining {
            // The word of its successor may be on its way to it, whoever was struck.
            let successor = process.life.successor();
            let mut others = self.processes.iter();
            let confirmed = others.any(|it| Some(it.generation) == successor && it.confirmed);
            return !confirmed && self.will_hear_in_time(process);
        }
        process.new_side().is_some_and(|newcomer| {
            let old_is_dead = !self.processes[newcomer.old].is_alive();
            let fails = newcomer.side.failure().is_some() || !process.program.becomes_ready();
            old_is_dead && !fails && self.will_have_its_offer(newcomer)
        })
    }

    /// Whether a process whose successor is dead learns of it in its probation: slow frames are
    /// read before the end of the file.
    fn will_hear_in_time(&self, process: &Process) -> bool {
        let Some(upgrade) = &process.upgrade else { return true };
        let frames = upgrade.channel.map(|end| self.channels[end.channel].to(end.side));
        let last = frames.and_then(|frames| frames.back()).map(|frame| frame.due);
        match (last, upgrade.probation_ends) {
            (Some(last), Some(end)) => last < end,
            (None, _) | (_, None) => true,
        }
    }

    /// Whether it has the whole offer, or will read it before it learns that the old one died.
    fn will_have_its_offer(&self, newcomer: &Newcomer) -> bool {
        let queue = newcomer.channel.map(|end| self.channels[end.channel].to(end.side));
        let frames = queue.into_iter().flatten();
        let to_come: Vec<_> = frames.map(|frame| decode(&frame.bytes, frame.descriptors)).collect();
        let misled =
            |message: &Result<Message, _>| matches!(message, Err(_) | Ok(Message::Refused { .. }));
        let end = |message: &Result<Message, _>| matches!(message, Ok(Message::OfferEnd { .. }));
        !to_come.iter().any(misled) && (newcomer.started || to_come.iter().any(end))
    }

    /// A drain is over.
    pub(crate) fn look_at_drain(&self, pid: Pid, report: &DrainReport) {
        if self.watch.disturbed {
            return;
        }
        let limit = self.settings.drain_timeout;
        assert!(report.took <= limit + SLACK, "{pid} drained for {:?}", report.took);
        let left = self.processes[pid].left_at.expect("it left before it drained");
        let limit = limit.max(TAKE_OVER + self.settings.probation) + EXIT_GRACE;
        assert!(self.now - left <= limit + SLACK, "{pid} stayed for {:?}", self.now - left);
    }

    /// A verdict is given.
    pub(crate) fn look_at_verdict(&self, pid: Pid, verdict: &Verdict) {
        let upgrade = self.processes[pid].upgrade.as_ref().expect("an upgrade to judge");
        let Some(child) = upgrade.child else { return };
        let ended = self.processes[pid].life.phase() == LifePhase::Ended;
        if !verdict.is_committed() && !ended {
            assert!(!self.processes[child].is_alive(), "a verdict before the child's end");
            assert!(!self.processes[pid].zombies.contains(&child), "a child was not reaped");
        }
    }

    /// Nothing is left to happen: the one process that serves, if the service is not over.
    pub(crate) fn look_when_quiet(&self) -> Option<Pid> {
        let alive: Vec<Pid> = self.alive().map(|(pid, _)| pid).collect();
        for attempt in &self.attempts {
            let answered =
                attempt.verdict.is_some() || !self.processes[attempt.requester].is_alive();
            assert!(answered, "an upgrade without a verdict");
        }
        let serving: Vec<Pid> = self
            .alive()
            .filter(|(_, process)| process.life.phase() == LifePhase::Serving)
            .map(|(pid, _)| pid)
            .collect();
        assert_eq!(alive, serving, "somebody stayed who does not serve");
        if self.watch.over {
            assert!(serving.len() <= 1, "two serve");
            return None;
        }
        let &[pid] = serving.as_slice() else {
            panic!("{serving:?} serve");
        };
        let process = &self.processes[pid];
        let accepting: Vec<&String> = process.accepting.iter().collect();
        assert_eq!(accepting, self.watch.service.iter().collect::<Vec<_>>());
        assert_eq!(process.ends().count(), 0, "a channel is left over");
        assert!(process.zombies.is_empty(), "a zombie is left over");
        assert_eq!(process.life.elders().map(|elders| elders.len()), Some(0));
        self.look_at_kept(pid);
        Some(pid)
    }
}

/// Whether it was stopped from outside. One that hangs by itself is for the machines to handle.
fn hangs(process: &Process) -> bool {
    process.condition == Condition::Hangs
        && !matches!(process.program.conduct, Conduct::HangsAtOnce | Conduct::HangsWithItsOffer)
}
