//! Who takes down what is counted, interval by interval. Owns a thread of its own, so that clients
//! which keep the runtime busy do not make it late; refuses to be long: joins samples when they
//! become many.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::account::tally::Tally;
use crate::proof::timeline::{Sample, Timeline};
use crate::run::{GroupRun, Run};

/// How long an interval is at first.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);

/// The thread that takes samples of a load, until it is told to finish.
#[derive(Debug)]
pub(super) struct Sampler {
    /// Dropping it is the signal.
    ending: Sender<()>,
    thread: JoinHandle<Timeline>,
}

impl Sampler {
    /// Starts it, for a load that has just begun.
    pub(super) fn start(run: Arc<Run>, groups: &[Arc<GroupRun>]) -> io::Result<Self> {
        let (ending, end) = channel();
        let groups = groups.to_vec();
        let body = move || Taking::new(groups).take(&run, &end);
        let thread = thread::Builder::new().name("prove-sampler".to_owned()).spawn(body)?;
        Ok(Self { ending, thread })
    }

    /// Takes the last sample, once the load has ended, and returns them all.
    pub(super) fn finish(self) -> Timeline {
        let Self { ending, thread } = self;
        drop(ending);
        match thread.join() {
            Ok(timeline) => timeline,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The taking of samples.
struct Taking {
    groups: Vec<Arc<GroupRun>>,
    /// What each group had counted when it was looked at last.
    seen: Vec<Tally>,
    timeline: Timeline,
}

impl Taking {
    fn new(groups: Vec<Arc<GroupRun>>) -> Self {
        let seen = vec![Tally::default(); groups.len()];
        let timeline = Timeline::new(FIRST_INTERVAL, groups.len());
        Self { groups, seen, timeline }
    }

    fn take(mut self, run: &Run, end: &Receiver<()>) -> Timeline {
        loop {
            let due = self.timeline.next_end();
            match end.recv_timeout(due.saturating_sub(run.elapsed())) {
                Err(RecvTimeoutError::Timeout) => {
                    let samples = self.samples();
                    self.timeline.add(samples, run.elapsed());
                }
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let samples = self.samples();
        self.timeline.add(samples, run.elapsed());
        self.timeline
    }

    /// What each group counted since the last look.
    fn samples(&mut self) -> Vec<Sample> {
        let each = self.groups.iter().zip(&mut self.seen);
        each.map(|(group, seen)| {
            let latency = group.latencies.take_interval();
            let tally = group.tally();
            let since = tally.since(seen);
            *seen = tally;
            Sample::new(since, &latency)
        })
        .collect()
    }
}
