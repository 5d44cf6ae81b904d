//! A trial under way. Owns its task and its end; refuses to interpret what it found.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::TrialError;
use super::conduct::Conductor;
use super::observer::Eyes;
use super::progress::{GroupProgress, Progress};
use super::record::Record;
use super::sampler::Sampler;
use super::schedule::Schedule;
use crate::account::tally::Tally;
use crate::plan::Plan;
use crate::proof::Proof;
use crate::recognise::recognition::Recognition;
use crate::restart::Restart;
use crate::run::{GroupRun, Run};

/// A trial under way, from [`Trial::start`](crate::Trial::start).
///
/// One that is dropped stops as well, and nobody learns what it found.
#[derive(Debug)]
#[must_use = "a trial that is dropped stops"]
pub struct RunningTrial {
    run: Arc<Run>,
    groups: Vec<Arc<GroupRun>>,
    record: Arc<Record>,
    restarts_planned: u32,
    /// Told `true`, or dropped: it stops.
    stopper: watch::Sender<bool>,
    conducting: JoinHandle<Proof>,
}

impl RunningTrial {
    pub(super) fn start(
        plan: Plan,
        restart: Option<Arc<dyn Restart>>,
        recognition: Recognition,
        schedule: Schedule,
    ) -> Result<Self, TrialError> {
        let eyes = Eyes::new(&plan, recognition);
        let has_end = plan.has_end();
        let load = plan.start()?;
        let (run, groups) = (Arc::clone(load.run()), load.groups().to_vec());
        let sampler = Sampler::start(Arc::clone(&run), &groups).map_err(TrialError::Thread)?;
        let record = Arc::new(Record::default());
        let (stopper, stopped) = watch::channel(false);
        let conductor = Conductor {
            load,
            sampler,
            eyes,
            restart,
            schedule,
            has_end,
            record: Arc::clone(&record),
            stopped,
        };
        let conducting = tokio::spawn(conductor.conduct());
        let restarts_planned = schedule.times;
        Ok(Self { run, groups, record, restarts_planned, stopper, conducting })
    }

    /// How far it has come. No client is held up.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let groups: Vec<_> = self.groups.iter().map(|group| group_progress(group)).collect();
        let mut tally = Tally::default();
        groups.iter().for_each(|group| tally += group.tally);
        let elapsed = self.run.elapsed();
        Progress {
            elapsed,
            tally,
            groups,
            restarts: self.record.restarts(),
            restarts_planned: self.restarts_planned,
            longest_gap: self.run.gaps.longest_until(elapsed),
        }
    }

    /// Whether it has come to its end: [`RunningTrial::finished`] does not wait any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.conducting.is_finished()
    }

    /// Ends it early: no more restarts and no more requests, but those under way are finished. A
    /// [`Command`](crate::restart::Command) that runs as a restart is killed; of other ways to
    /// restart the asking is dropped.
    pub fn stop(&self) {
        self.stopper.send_replace(true);
    }

    /// Waits for its end, and tells what it found.
    pub async fn finished(self) -> Proof {
        let Self { stopper, conducting, .. } = self;
        let proof = conducting.await;
        drop(stopper);
        match proof {
            Ok(proof) => proof,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // Nobody aborts it: the runtime is at its end, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

fn group_progress(group: &GroupRun) -> GroupProgress {
    GroupProgress {
        name: group.group.label(),
        tally: group.tally(),
        latency: group.latencies.latency(),
    }
}
