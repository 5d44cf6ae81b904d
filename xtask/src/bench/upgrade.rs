//! `bench upgrade`: from the signal until only the new process answers, beside the floor.
//!
//! The floor is the same program started cold until it answers: no hand-over can be quicker than
//! the start of the process that it hands over to. Both are measured in turn, so that whatever
//! else the machine does is in both.

use std::path::Path;

use anyhow::Result;

use super::report::{Goal, Report};
use super::rows::{rows, total_us};
use super::server::Server;

/// How many times the floor an upgrade may take.
const RATIO_LIMIT: f64 = 1.3;

pub(crate) fn measure(program: &Path, rounds: usize) -> Result<Report> {
    // The first of each pays for caches that all others find warm.
    let (mut server, _) = Server::start(program, 1)?;
    server.upgrade()?;
    server.await_alone()?;
    let (mut upgrades, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        upgrades.push(server.upgrade()?);
        server.await_alone()?;
        let (cold, start) = Server::start(program, 1)?;
        starts.push(start);
        drop(cold);
    }
    server.stop()?;
    let goal =
        Goal::ratio("times the floor", total_us(&upgrades)?, total_us(&starts)?, RATIO_LIMIT);
    Ok(Report {
        bench: "upgrade",
        how: format!("signal until only the new process answers; each row the median of {rounds}"),
        columns: vec!["upgrade".into(), "floor".into()],
        rows: rows(&[&upgrades, &starts])?,
        goals: vec![goal],
    })
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_server;
    use super::*;

    #[test]
    fn upgrade_and_floor_are_measured_and_compared() {
        let report = measure(&built_server(), 2).unwrap();
        assert_eq!(report.columns.len(), 2);
        let whole = &report.rows[0].values;
        assert!(whole.iter().all(|value| value.is_some_and(|us| us > 0)), "{report}");
        let ratio = whole[0].unwrap() as f64 / whole[1].unwrap() as f64;
        assert!((report.goals[0].measured - ratio).abs() < 0.01, "{report}");
    }
}
