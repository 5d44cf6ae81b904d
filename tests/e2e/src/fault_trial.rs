//! A trial against the fault server. Owns when a restart is over: when its clients have noticed as
//! much as was done to them, however long the machine takes for that. Refuses to compare what: that
//! is for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle_prove::{Plan, Progress, Proof, RestartError, Tally, Trial};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::fault::Fault;
use crate::fault_server::FaultServer;
use crate::patience::PATIENCE;

/// The time between two restarts.
const EVERY: Duration = Duration::from_millis(150);
/// How often the clients' account is compared with the server's while a trial runs.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A trial to be made.
#[derive(Debug)]
pub struct FaultTrial {
    server: Arc<FaultServer>,
    faults: Vec<Vec<Fault>>,
    refusals: fn() -> u64,
    is_ready: fn(&Progress) -> bool,
}

impl FaultTrial {
    /// One restart for each of these lists of faults.
    #[must_use]
    pub fn new(server: &Arc<FaultServer>, faults: &[&[Fault]]) -> Self {
        let faults = faults.iter().map(|these| these.to_vec()).collect();
        Self { server: Arc::clone(server), faults, refusals: || 0, is_ready: |_| true }
    }

    /// Says how many connections were refused so far; without it, none is.
    #[must_use]
    pub fn refusals(self, refusals: fn() -> u64) -> Self {
        Self { refusals, ..self }
    }

    /// Says whether clients are where the first restart shall meet them.
    #[must_use]
    pub fn ready(self, is_ready: fn(&Progress) -> bool) -> Self {
        Self { is_ready, ..self }
    }

    /// Makes it under this load.
    ///
    /// # Panics
    ///
    /// If it does not come to its end.
    pub async fn prove(self, plan: Plan) -> Proof {
        let Self { server, faults, refusals, is_ready } = self;
        let times = u32::try_from(faults.len()).unwrap();
        let (tell, told) = watch::channel((Tally::default(), false));
        let restart = move |number: u32| {
            let (server, mut told) = (Arc::clone(&server), told.clone());
            let faults = faults[number as usize - 1].clone();
            let restarted = async move {
                // The one who tells goes only when the trial is over.
                let _ = told.wait_for(|(_, is_ready)| *is_ready).await;
                server.restart(&faults).await;
                let is_even = |told: &(Tally, bool)| server.is_even_with(&told.0, refusals());
                let _ = told.wait_for(is_even).await;
            };
            async move {
                let unnoticed = "the clients have not noticed all that was done";
                timeout(PATIENCE, restarted).await.map_err(|_| RestartError::other(unnoticed))
            }
        };
        let trial = Trial::new(plan).restart(restart).times(times).every(EVERY).start().unwrap();
        let begun = Instant::now();
        while !trial.is_finished() {
            let progress = trial.progress();
            tell.send_replace((progress.tally, is_ready(&progress)));
            assert!(begun.elapsed() < 4 * PATIENCE, "the trial does not end");
            // Progress has no event to wait for.
            sleep(LOOK_EVERY).await;
        }
        trial.finished().await
    }
}
