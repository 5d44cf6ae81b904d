//! The course of a trial. Owns the order of restarts and pauses, and what was counted at each mark;
//! refuses to count.
//!
//! ```text
//!  lead ──► look ──► mark ──► ask ───────────┬─► seen ──► until the next is due ──► look …
//!                             and look on ───┘    ▲ │
//!                                    not in time ─┘ └─ after the last: lead ──► stop ──► proof
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::observer::{Eyes, Observer};
use super::record::Record;
use super::sampler::Sampler;
use super::schedule::Schedule;
use crate::account::tally::Tally;
use crate::load::Load;
use crate::proof::Proof;
use crate::proof::restart_outcome::RestartState;
use crate::proof::window::Marks;
use crate::restart::Restart;
use crate::run::GroupRun;

/// All that a trial has to do with.
pub(super) struct Conductor {
    pub(super) load: Load,
    pub(super) sampler: Sampler,
    pub(super) eyes: Eyes,
    pub(super) restart: Option<Arc<dyn Restart>>,
    pub(super) schedule: Schedule,
    /// Whether the load ends by itself.
    pub(super) has_end: bool,
    pub(super) record: Arc<Record>,
    pub(super) stopped: watch::Receiver<bool>,
}

/// Whether the trial goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    Over,
}

impl Conductor {
    pub(super) async fn conduct(self) -> Proof {
        let mut marks = Marks::new(self.load.groups().len());
        if let Some(restart) = &self.restart {
            self.restarts(restart.as_ref(), &mut marks).await;
        } else {
            self.load_alone().await;
        }
        let Self { load, sampler, schedule, record, .. } = self;
        let outcome = load.stop().await;
        let timeline = sampler.finish();
        let windows = marks.into_windows(&outcome);
        let restarts = record.restarts();
        Proof { outcome, restarts_planned: schedule.times, restarts, windows, timeline }
    }

    async fn load_alone(&self) {
        if self.has_end {
            self.over().await;
        } else {
            self.until(Instant::now() + self.schedule.lead()).await;
        }
    }

    async fn restarts(&self, restart: &dyn Restart, marks: &mut Marks) {
        if self.schedule.times == 0 {
            return self.load_alone().await;
        }
        let mut due = Instant::now() + self.schedule.lead();
        let mut last = None;
        for number in 1..=self.schedule.times {
            let delayed = due.elapsed();
            let course = self.until(due).await;
            let observer = self.look_back(last.as_ref()).await;
            if course == Course::Over {
                return;
            }
            due = Instant::now() + self.schedule.every;
            let at = self.mark(marks);
            self.record.began(number, at, delayed);
            let (state, course) = self.one(restart, number, &observer, at).await;
            self.record.ended(state);
            if course == Course::Over {
                return;
            }
            last = Some(observer);
        }
        self.until(Instant::now() + self.schedule.lead()).await;
        self.look_back(last.as_ref()).await;
    }

    /// Looks who is there now, before the next restart or the end, and takes back what was said of
    /// the last restart if it left all as it was before.
    async fn look_back(&self, before: Option<&Observer>) -> Observer {
        let now = self.eyes.look(self.load.run()).await;
        if before.is_some_and(|before| before.is_as_before(&now)) {
            self.record.undone();
        }
        now
    }

    /// Takes down what was counted up to this restart, and says when that was.
    fn mark(&self, marks: &mut Marks) -> Duration {
        let (run, groups) = (self.load.run(), self.load.groups());
        run.failures.begin_restart(|| {
            let at = run.elapsed();
            marks.add(at, tallies(groups));
            at
        })
    }

    /// Asks for one restart, and looks for a new process meanwhile and after that.
    async fn one(
        &self,
        restart: &dyn Restart,
        number: u32,
        observer: &Observer,
        at: Duration,
    ) -> (RestartState, Course) {
        let run = self.load.run();
        let mut asking = pin!(restart.restart(number));
        let mut seeing = pin!(observer.change(run, number, at));
        let mut is_seen = false;
        let result = loop {
            tokio::select! {
                biased;
                () = self.stopped() => return (RestartState::UnderWay, Course::Over),
                change = &mut seeing, if !is_seen => {
                    self.record.changed(change);
                    is_seen = true;
                }
                result = &mut asking => break result,
            }
        };
        let is_asked = result.is_ok();
        self.record.asked(run.elapsed(), result);
        if !is_asked {
            return (RestartState::Failed, Course::Over);
        }
        if is_seen {
            return (RestartState::Changed, Course::On);
        }
        if observer.is_blind() {
            return (RestartState::NotJudged, Course::On);
        }
        tokio::select! {
            biased;
            change = seeing => {
                self.record.changed(change);
                (RestartState::Changed, Course::On)
            }
            () = self.over() => (RestartState::UnderWay, Course::Over),
            () = sleep_until(Instant::now() + self.schedule.settle()) => {
                (observer.unseen(), Course::On)
            }
        }
    }

    async fn until(&self, due: Instant) -> Course {
        tokio::select! {
            biased;
            () = self.over() => Course::Over,
            () = sleep_until(due) => Course::On,
        }
    }

    /// Waits until somebody ends it, or the load has ended by itself.
    async fn over(&self) {
        tokio::select! {
            () = self.stopped() => {}
            () = self.load.ended() => {}
        }
    }

    async fn stopped(&self) {
        // That nobody is left to tell it is the same.
        let _ = self.stopped.clone().wait_for(|is_stopped| *is_stopped).await;
    }
}

fn tallies(groups: &[Arc<GroupRun>]) -> Vec<Tally> {
    groups.iter().map(|group| group.tally()).collect()
}
