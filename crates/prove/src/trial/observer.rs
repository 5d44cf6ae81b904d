//! Who looks whether a restart made a new process. Owns what was there before it; refuses to say
//! what became of the clients.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::plan::Plan;
use crate::proof::restart_outcome::{Change, RestartState, SeenBy};
use crate::recognise::Responder;
use crate::recognise::processes::{Holder, Processes, Sight};
use crate::recognise::recognition::Recognition;
use crate::run::Run;

/// How often `/proc` is looked at for a new process.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How many processes answer for the first time between two restarts, at most. If more do, what is
/// taken for their name is another one in each answer, as the number of a request is: that shows no
/// restart.
const MOST_NAMES: usize = 1_000;

/// What a trial looks with.
#[derive(Debug)]
pub(super) struct Eyes {
    recognition: Recognition,
    processes: Arc<Processes>,
    /// How many had answered at the last look.
    known: AtomicUsize,
}

impl Eyes {
    pub(super) fn new(plan: &Plan, recognition: Recognition) -> Self {
        let processes = Arc::new(Processes::at(plan.targets()));
        Self { recognition, processes, known: AtomicUsize::new(0) }
    }

    /// Looks who is there before a restart.
    pub(super) async fn look(&self, run: &Run) -> Observer {
        let known = run.arrivals.count();
        let new = known.saturating_sub(self.known.swap(known, Ordering::Relaxed));
        match self.recognition {
            Recognition::Off => Observer::Blind,
            Recognition::Answers(_) | Recognition::Auto if new > MOST_NAMES => Observer::Confused,
            Recognition::Answers(_) => Observer::Answers { known },
            Recognition::Auto if known > 0 => Observer::Answers { known },
            Recognition::Processes => self.look_at_holders(run).await,
            Recognition::Auto => match self.look_at_holders(run).await {
                Observer::Processes { before, .. } if before.holders.is_empty() => {
                    Observer::Answers { known }
                }
                observer => observer,
            },
        }
    }

    /// Who is seen before the first restart is the first generation.
    async fn look_at_holders(&self, run: &Run) -> Observer {
        let observer = self.look_at_processes().await;
        if !matches!(observer.unseen(), RestartState::Unrecognised) {
            run.newest.held(1);
        }
        observer
    }

    async fn look_at_processes(&self) -> Observer {
        let looked = look(&self.processes, |processes| processes.look()).await;
        // Without a look before there is nobody to tell a newcomer from; nor is there if nobody was
        // seen, which is how the restart then ends.
        let before = Arc::new(looked.unwrap_or_default());
        Observer::Processes { processes: Arc::clone(&self.processes), before }
    }
}

/// Who was there before a restart, and where to look for somebody else.
#[derive(Debug)]
pub(super) enum Observer {
    /// Nobody is to be told apart.
    Blind,
    /// Each answer names another.
    Confused,
    /// So many had answered.
    Answers { known: usize },
    /// These held the sockets.
    Processes { processes: Arc<Processes>, before: Arc<Sight> },
}

impl Observer {
    /// Waits for somebody who was not there before the restart of this number, at that time.
    pub(super) async fn change(&self, run: &Run, number: u32, since: Duration) -> Change {
        match self {
            Self::Blind | Self::Confused => pending().await,
            Self::Answers { known } => {
                let arrival = run.arrivals.next(*known, since).await;
                Change { at: arrival.at, responder: arrival.responder, seen_by: SeenBy::Answer }
            }
            Self::Processes { before, .. } if before.holders.is_empty() => pending().await,
            Self::Processes { processes, before } => {
                let (holder, at) = newcomer(run, processes, before).await;
                let generation = u64::from(number) + 1;
                run.newest.held(generation);
                let responder = Responder { generation, pid: Some(holder.pid) };
                Change { at, responder, seen_by: SeenBy::Listener }
            }
        }
    }

    /// Whether exactly those hold the sockets by `/proc` who did before the restart. A next version
    /// that fails early holds them too, for a moment: it has them from the process that started it.
    pub(super) fn is_as_before(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Processes { before, .. }, Self::Processes { before: now, .. }) => {
                !now.holders.is_empty() && before.holders == now.holders
            }
            (Self::Blind | Self::Confused | Self::Answers { .. }, _)
            | (Self::Processes { .. }, _) => false,
        }
    }

    pub(super) fn is_blind(&self) -> bool {
        matches!(self, Self::Blind)
    }

    /// What it means that nobody was seen.
    pub(super) fn unseen(&self) -> RestartState {
        match self {
            Self::Blind => RestartState::NotJudged,
            Self::Confused | Self::Answers { known: 0 } => RestartState::Unrecognised,
            Self::Processes { before, .. } if before.holders.is_empty() => {
                RestartState::Unrecognised
            }
            Self::Answers { .. } | Self::Processes { .. } => RestartState::Unchanged,
        }
    }
}

/// Waits until somebody holds a socket who did not before, and says since when.
async fn newcomer(
    run: &Run,
    processes: &Arc<Processes>,
    before: &Arc<Sight>,
) -> (Holder, Duration) {
    let mut stayers = Stayers::default();
    for number in 0_u32.. {
        let next = Instant::now() + LOOK_INTERVAL;
        let (at, before) = (run.elapsed(), Arc::clone(before));
        let looked = look(processes, move |them| them.newcomers(&before, number)).await;
        // A look that failed is one that saw nobody: the next may.
        if let Some(found) = stayers.seen(looked.unwrap_or_default(), at) {
            return found;
        }
        sleep_until(next).await;
    }
    pending().await
}

/// Those who were seen, and when first. Once is not enough: a process that the server starts for
/// something else has its sockets for a moment, from the fork until its program begins.
#[derive(Debug, Default)]
struct Stayers(HashMap<Holder, Duration>);

impl Stayers {
    /// These were seen now. Returns the first one of them who had been seen before.
    fn seen(&mut self, now: HashSet<Holder>, at: Duration) -> Option<(Holder, Duration)> {
        let stayed = now.iter().filter_map(|holder| Some((*holder, *self.0.get(holder)?)));
        let first = stayed.min_by_key(|(holder, at)| (*at, *holder));
        now.into_iter().for_each(|holder| _ = self.0.entry(holder).or_insert(at));
        first
    }
}

/// Reads `/proc` where it holds up no client.
async fn look<T: Send + 'static>(
    processes: &Arc<Processes>,
    look: impl FnOnce(&Processes) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let processes = Arc::clone(processes);
    spawn_blocking(move || look(&processes)).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognise::header_or_body::ByHeaderOrBody;
    use crate::target::Target;

    #[tokio::test]
    async fn where_each_answer_names_another_process_no_restart_is_shown() {
        let run = Run::new(Duration::ZERO, Arc::new(ByHeaderOrBody::default()));
        let plan = Plan::new(Target::Tcp(([127, 0, 0, 1], 1).into()));
        let eyes = Eyes::new(&plan, Recognition::Auto);
        let answered = |generations: std::ops::Range<usize>| {
            for generation in generations {
                let responder = Responder { generation: generation as u64, pid: None };
                run.arrivals.answered(responder, Duration::ZERO);
            }
        };
        answered(0..MOST_NAMES);
        assert!(matches!(eyes.look(&run).await, Observer::Answers { known: MOST_NAMES }));
        answered(MOST_NAMES..2 * MOST_NAMES + 1);
        let observer = eyes.look(&run).await;
        assert_eq!(observer.unseen(), RestartState::Unrecognised);
        assert!(matches!(observer, Observer::Confused));
        let known = 2 * MOST_NAMES + 1;
        assert!(matches!(eyes.look(&run).await, Observer::Answers { known: it } if it == known));
    }

    #[test]
    fn who_is_seen_once_is_no_newcomer_and_who_stays_is_since_the_first_time() {
        let at = Duration::from_millis;
        let [short, long, later] = [1, 2, 3].map(Holder::of_test);
        let mut stayers = Stayers::default();
        assert_eq!(stayers.seen(HashSet::from([short]), at(50)), None);
        assert_eq!(stayers.seen(HashSet::from([long]), at(100)), None);
        assert_eq!(stayers.seen(HashSet::new(), at(150)), None);
        let found = stayers.seen(HashSet::from([later, long]), at(200));
        assert_eq!(found, Some((long, at(100))));
    }
}
