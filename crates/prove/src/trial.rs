//! A load with restarts. Owns what shall happen when; refuses to know how a restart is done, or
//! what the server is.

mod check;
mod conduct;
mod observer;
mod progress;
mod record;
mod running;
mod sampler;
mod schedule;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::check::{CheckError, Unseen};
pub use self::progress::{GroupProgress, Progress};
pub use self::running::RunningTrial;

use self::schedule::Schedule;
use crate::plan::Plan;
use crate::plan::error::PlanError;
use crate::recognise::recognition::Recognition;
use crate::restart::Restart;

/// A load on a server that is restarted meanwhile, again and again.
///
/// ```no_run
/// use rekindle_prove::restart::{Signal, SignalName};
/// use rekindle_prove::{Group, Mode, Plan, Request, Target, Trial, Verdict};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = Plan::new(Target::Tcp(([127, 0, 0, 1], 8080).into()))
///     .group(Group::new(Mode::Keep, Request::get("/")).connections(32));
/// let hang_up: SignalName = "HUP".parse()?;
/// let trial = Trial::new(plan).restart(Signal::to_pid_file(hang_up, "/run/server.pid")).times(3);
/// trial.check().await?;
/// let proof = trial.start()?.finished().await;
/// assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed, "{:#?}", proof.outcome.failures);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Trial {
    plan: Plan,
    restart: Option<Arc<dyn Restart>>,
    recognition: Recognition,
    schedule: Schedule,
}

impl Trial {
    /// Ten restarts under this load, one each second. If the plan has an end of its own and it
    /// comes first, the trial ends with it.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let schedule = Schedule::default();
        Self { plan, restart: None, recognition: Recognition::Auto, schedule }
    }

    /// How the server is restarted.
    #[must_use]
    pub fn restart(mut self, restart: impl Restart) -> Self {
        self.restart = Some(Arc::new(restart));
        self
    }

    /// How often it is restarted; 10 times without it. With 0 the load goes on for the duration of
    /// the plan, or for the lead if the plan has none.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.schedule.times = times;
        self
    }

    /// The time from the asking for one restart to the asking for the next; 1 s without it. A
    /// restart is under way until it has been asked for and a new process was seen, or was not seen
    /// in time ([`Trial::settle`]); one that still is delays the next. A process of one restart
    /// that comes after the next was asked for counts for that one.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.schedule.every = every;
        self
    }

    /// How long the load goes on before the first restart and after the last one has come to its
    /// end; as long as from one to the next without it.
    #[must_use]
    pub fn lead(mut self, lead: Duration) -> Self {
        self.schedule.lead = Some(lead);
        self
    }

    /// Within which time a new process must be seen after a restart was asked for (after the
    /// command ended, if it is one): else the restart is unchanged, which is a failure. Without it
    /// as long as from one restart to the next, at least 5 s.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.schedule.settle = Some(settle);
        self
    }

    /// How processes are told apart; [`Recognition::Auto`] without it.
    #[must_use]
    pub fn recognise_by(mut self, recognition: Recognition) -> Self {
        self.recognition = recognition;
        self
    }

    /// Sends one request of each group, before anything is counted, and looks whether they are
    /// answered right and whether processes can be told apart: what would make the trial worth
    /// nothing is known at once.
    ///
    /// # Errors
    /// If a request is not answered right, or no process can be told from another.
    pub async fn check(&self) -> Result<(), CheckError> {
        check::check(&self.plan(), &self.recognition, self.schedule.times).await
    }

    /// Starts the load, and the restarts in their time, as tasks of the caller's tokio runtime.
    ///
    /// # Errors
    /// If the trial cannot be carried out as it stands; nothing was sent then.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time, as `tokio::spawn` does.
    pub fn start(self) -> Result<RunningTrial, TrialError> {
        if self.restart.is_none() && self.schedule.times > 0 {
            return Err(TrialError::NoRestart);
        }
        let plan = self.plan();
        RunningTrial::start(plan, self.restart, self.recognition, self.schedule)
    }

    /// The plan, with the recognition of the trial.
    fn plan(&self) -> Plan {
        match &self.recognition {
            Recognition::Answers(recognise) => {
                self.plan.clone().recognise_with(Arc::clone(recognise))
            }
            Recognition::Auto | Recognition::Processes | Recognition::Off => self.plan.clone(),
        }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Trial")
            .field("plan", &self.plan)
            .field("recognition", &self.recognition)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

/// Why a trial cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// The load cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nobody said how to restart.
    #[error("start the trial: it is not said how the server is restarted")]
    NoRestart,
    /// The system gives no thread for the taking of samples.
    #[error("start the trial: no thread for the timeline: {0}")]
    Thread(#[source] std::io::Error),
}
