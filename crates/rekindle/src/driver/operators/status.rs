//! The status of this process, put together.

use rekindle_core::Elders;

use super::milliseconds;
use crate::control::{DrainingStatus, ListenerStatus, Status};
use crate::driver::Driver;

impl Driver {
    pub(super) fn status(&self) -> Status {
        let (generation, uptime) = match self.operators.began {
            Some((generation, since)) => (generation, since.elapsed()),
            None => (self.shared.generation, std::time::Duration::ZERO),
        };
        let listeners = self.held.iter().filter(|held| !held.is_internal());
        let elders = self.life.elders().into_iter().flat_map(Elders::iter);
        Status {
            pid: std::process::id(),
            generation: generation.number(),
            phase: self.life.phase().to_string(),
            build: self.operators.build.to_string(),
            uptime_ms: milliseconds(uptime),
            in_flight: self.shared.tracker.in_flight(),
            moved_in: self.moved_in,
            moved_out: self.moves.moved(),
            listeners: listeners
                .map(|held| ListenerStatus {
                    name: held.name().to_string(),
                    address: held.entry.bound.to_string(),
                })
                .collect(),
            draining: elders
                .map(|elder| DrainingStatus {
                    generation: elder.generation.number(),
                    pid: elder.pid,
                    in_flight: elder.in_flight,
                })
                .collect(),
            last_failure: self.operators.last_failure.clone(),
        }
    }
}
