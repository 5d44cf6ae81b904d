//! A trial against the fault server. Owns when a restart is over: when its clients have noticed as
//! much as was done to them, however long the machine takes for that. Refuses to compare what: that
//! is for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle_prove::{Plan, Proof, RestartError, Tally, Trial};
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
}

impl FaultTrial {
    /// One restart for each of these lists of faults.
    #[must_use]
    pub fn new(server: &Arc<FaultServer>, faults: &[&[Fault]]) -> Self {
        let faults = faults.iter().map(|these| these.to_vec()).collect();
        Self { server: Arc::clone(server), faults, refusals: || 0 }
    }

    /// Says how many connections were refused so far; without it, none is.
    #[must_use]
    pub fn refusals(self, refusals: fn() -> u64) -> Self {
        Self { refusals, ..self }
    }

    /// Makes it under this load.
    ///
    /// # Panics
    ///
    /// If it does not come to its end.
    pub async fn prove(self, plan: Plan) -> Proof {
        let Self { server, faults, refusals } = self;
        let times = u32::try_from(faults.len()).unwrap();
        let (tell, told) = watch::channel(Tally::default());
        let restart = move |number: u32| {
            let (server, mut told) = (Arc::clone(&server), told.clone());
            let faults = faults[number as usize - 1].clone();
            async move {
                server.restart(&faults).await;
                let even = told.wait_for(|tally| server.is_even_with(tally, refusals()));
                match timeout(PATIENCE, even).await {
                    Ok(Ok(_)) => Ok(()),
                    _ => Err(RestartError::other("the clients have not noticed all that was done")),
                }
            }
        };
        let trial = Trial::new(plan).restart(restart).times(times).every(EVERY).start().unwrap();
        let begun = Instant::now();
        while !trial.is_finished() {
            tell.send_replace(trial.progress().tally);
            assert!(begun.elapsed() < 4 * PATIENCE, "the trial does not end");
            // Progress has no event to wait for.
            sleep(LOOK_EVERY).await;
        }
        trial.finished().await
    }
}
