//! A load under way. Owns its tasks and their end; refuses to interpret what they found.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::account::generation::Generations;
use crate::account::outcome::Outcome;
use crate::account::tally::Tally;
use crate::pacer::Waking;
use crate::run::{GroupRun, Run};
use crate::stop::Stopper;

/// Clients at work, from [`Plan::start`](crate::Plan::start).
///
/// A load that is dropped stops as well: requests under way are finished, and nobody learns of it.
#[derive(Debug)]
#[must_use = "a load that is dropped stops"]
pub struct Load {
    run: Arc<Run>,
    groups: Vec<Arc<GroupRun>>,
    clients: Vec<JoinHandle<Generations>>,
    stopper: Stopper,
    duration: Option<Duration>,
    waking: Vec<Waking>,
}

impl Load {
    pub(crate) fn new(
        run: Arc<Run>,
        groups: Vec<Arc<GroupRun>>,
        clients: Vec<JoinHandle<Generations>>,
        stopper: Stopper,
        duration: Option<Duration>,
        waking: Vec<Waking>,
    ) -> Self {
        if let Some(duration) = duration {
            run.gaps.ends(duration);
        }
        Self { run, groups, clients, stopper, duration, waking }
    }

    /// The counters so far, of all groups. Cheap: no client is held up.
    #[must_use]
    pub fn snapshot(&self) -> Tally {
        let mut sum = Tally::default();
        self.groups.iter().for_each(|group| sum += group.tally());
        sum
    }

    /// What the clients share.
    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// The groups, in the order of the plan.
    pub(crate) fn groups(&self) -> &[Arc<GroupRun>] {
        &self.groups
    }

    /// Waits until all clients have ended by themselves.
    pub(crate) async fn ended(&self) {
        self.stopper.alone().await;
    }

    /// Whether all clients have ended by themselves: the duration is over, or each has started all
    /// its requests.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.clients.iter().all(JoinHandle::is_finished)
    }

    /// Starts no more requests but those that were due before ([`Group::rate`]), lets those under
    /// way end, each within its own time limit, and tells what was found. Our own closing counts
    /// nowhere.
    ///
    /// [`Group::rate`]: crate::Group::rate
    pub async fn stop(self) -> Outcome {
        let Self { run, groups, clients, stopper, duration, waking: _waking } = self;
        let asked = run.elapsed();
        run.gaps.ends(asked);
        drop(stopper);
        end(&run, &groups, clients, duration.unwrap_or(asked).min(asked)).await
    }

    /// Waits until all clients have ended by themselves, and tells what was found. Without a
    /// duration or a number of requests in the plan, that is never.
    pub async fn wait(self) -> Outcome {
        let Self { run, groups, clients, stopper, duration, waking: _waking } = self;
        let outcome = end(&run, &groups, clients, duration.unwrap_or(Duration::MAX)).await;
        drop(stopper);
        outcome
    }
}

async fn end(
    run: &Run,
    groups: &[Arc<GroupRun>],
    clients: Vec<JoinHandle<Generations>>,
    asked_until: Duration,
) -> Outcome {
    let mut generations = Generations::default();
    for client in clients {
        match client.await {
            Ok(of_client) => generations.merge(of_client),
            Err(error) => {
                // Nobody aborts a client, so that only a panic or the end of the runtime is left;
                // with the latter there is nobody to tell either.
                if let Ok(panic) = error.try_into_panic() {
                    resume_unwind(panic);
                }
            }
        }
    }
    run.outcome(groups, generations, asked_until.min(run.elapsed()))
}
