//! What the clients of one load share. Owns nothing but that; refuses to act.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::account::arrival::Arrivals;
use crate::account::failure_log::FailureLog;
use crate::account::gap::GapMeter;
use crate::account::generation::Generations;
use crate::account::latency::LatencyLog;
use crate::account::outcome::{GroupOutcome, Outcome};
use crate::account::tally::{Counters, Tally};
use crate::connect::Connector;
use crate::group::Group;
use crate::pacer::Pacer;
use crate::recognise::Recognise;

/// Shared by all clients of a load.
pub(crate) struct Run {
    pub(crate) started: Instant,
    pub(crate) request_limit: Duration,
    pub(crate) recognise: Arc<dyn Recognise>,
    pub(crate) gaps: GapMeter,
    pub(crate) failures: FailureLog,
    pub(crate) newest: Newest,
    pub(crate) arrivals: Arrivals,
}

impl Run {
    /// A run that starts now.
    pub(crate) fn new(request_limit: Duration, recognise: Arc<dyn Recognise>) -> Self {
        Self {
            started: Instant::now(),
            request_limit,
            recognise,
            gaps: GapMeter::default(),
            failures: FailureLog::default(),
            newest: Newest::default(),
            arrivals: Arrivals::default(),
        }
    }

    /// Adds everything up, once all clients have ended; asked was until `asked_until`.
    ///
    /// # Panics
    /// If a request was started and not accounted for, which is a mistake in this crate.
    pub(crate) fn outcome(
        &self,
        groups: &[Arc<GroupRun>],
        generations: Generations,
        asked_until: Duration,
    ) -> Outcome {
        let groups: Vec<_> = groups.iter().map(|group| group.outcome(asked_until)).collect();
        let mut tally = Tally::default();
        groups.iter().for_each(|group| tally += group.tally);
        assert_eq!(tally.started, tally.ended(), "each request ends in one counter: {tally:?}");
        let (failures, failures_not_kept) = self.failures.take();
        Outcome {
            elapsed: self.elapsed(),
            noticed: tally.noticed(),
            tally,
            longest_gap: self.gaps.longest(asked_until),
            groups,
            answered_by_others: generations.of_others(),
            generations: generations.into_sorted(),
            failures,
            failures_not_kept,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Run").field("started", &self.started).finish_non_exhaustive()
    }
}

/// Shared by the clients of a group.
#[derive(Debug)]
pub(crate) struct GroupRun {
    pub(crate) index: usize,
    pub(crate) group: Group,
    pub(crate) connector: Connector,
    pub(crate) latencies: LatencyLog,
    /// One for each client.
    pub(crate) counters: Box<[Counters]>,
    /// Who says when requests are due, in an open loop.
    pub(crate) pacer: Option<Arc<Pacer>>,
}

impl GroupRun {
    /// # Errors
    /// If the system has no timer left for an open loop.
    pub(crate) fn new(
        index: usize,
        group: Group,
        connector: Connector,
        started: Instant,
    ) -> io::Result<Self> {
        let counters = (0..group.lanes()).map(|_| Counters::default()).collect();
        let pacer = match group.rate {
            Some(rate) => Some(Arc::new(Pacer::new(started, rate, group.lanes())?)),
            None => None,
        };
        let latencies = LatencyLog::new();
        Ok(Self { index, group, connector, latencies, counters, pacer })
    }

    /// What it found. It was asked until then.
    fn outcome(&self, asked_until: Duration) -> GroupOutcome {
        let tally = self.tally();
        let all = self.group.requests.map(|each| each.saturating_mul(self.group.lanes() as u64));
        let due = self.pacer.as_ref().map_or(0, |pacer| pacer.due_within(asked_until));
        let due = due.min(all.unwrap_or(u64::MAX));
        GroupOutcome {
            name: self.group.label(),
            mode: self.group.mode,
            request: self.group.request.to_string(),
            connections: self.group.connections,
            due_not_started: due.saturating_sub(tally.started),
            tally,
            latency: self.latencies.latency(),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.counters.iter().for_each(|counters| sum += counters.tally());
        sum
    }
}

/// The highest generation that answered anywhere; kept as one more, so that 0 is none.
#[derive(Debug, Default)]
pub(crate) struct Newest(AtomicU64);

impl Newest {
    pub(crate) fn saw(&self, generation: u64) {
        self.0.fetch_max(generation.saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn generation(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::group::Mode;
    use crate::request::Request;
    use crate::target::Target;

    #[test]
    fn newest_never_goes_back() {
        let newest = Newest::default();
        assert_eq!(newest.generation(), None);
        newest.saw(0);
        assert_eq!(newest.generation(), Some(0));
        newest.saw(7);
        newest.saw(3);
        assert_eq!(newest.generation(), Some(7));
    }

    #[test]
    fn a_group_counts_all_its_clients() {
        let group = Group::new(Mode::Keep, Request::get("/")).connections(3);
        let endpoint = Endpoint::from(Target::Unix("/x".into()));
        let connector = Connector::new(&endpoint, &group).unwrap();
        let run = GroupRun::new(0, group, connector, Instant::now()).unwrap();
        run.counters.iter().for_each(|counters| counters.started.add_one());
        assert_eq!(run.tally(), Tally { started: 3, ..Tally::default() });
    }
}
