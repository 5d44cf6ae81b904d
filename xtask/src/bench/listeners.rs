//! `bench listeners`: an upgrade with many listeners beside one with a single listener.

use std::path::Path;

use anyhow::Result;

use super::descriptors::allow_descriptors;
use super::report::{Goal, Report};
use super::rows::{rows, total_us};
use super::server::Server;

/// How much longer an upgrade with many listeners may take, in microseconds.
const GROWTH_LIMIT_US: u32 = 100_000;

/// The descriptors that a process needs beside those of its listeners.
const OTHER_DESCRIPTORS: usize = 100;

pub(crate) fn measure(program: &Path, rounds: usize, listeners: usize) -> Result<Report> {
    allow_descriptors(listeners + OTHER_DESCRIPTORS)?;
    let (mut one, _) = Server::start(program, 1)?;
    let (mut many, _) = Server::start(program, listeners)?;
    one.upgrade()?;
    many.upgrade()?;
    one.await_alone()?;
    many.await_alone()?;
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_one.push(one.upgrade()?);
        of_many.push(many.upgrade()?);
        one.await_alone()?;
        many.await_alone()?;
    }
    one.stop()?;
    many.stop()?;
    let (from_us, to_us) = (total_us(&of_one)?, total_us(&of_many)?);
    Ok(Report {
        bench: "listeners",
        how: format!("signal until only the new process answers; each row the median of {rounds}"),
        columns: vec!["1 listener".into(), format!("{listeners} listeners")],
        rows: rows(&[&of_one, &of_many])?,
        goals: vec![Goal::growth("µs more for them all", from_us, to_us, GROWTH_LIMIT_US)],
    })
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_server;
    use super::*;

    #[test]
    fn more_than_one_frame_of_listeners_is_handed_over_and_compared() {
        let report = measure(&built_server(), 1, 100).unwrap();
        assert_eq!(report.columns, ["1 listener", "100 listeners"]);
        let whole = &report.rows[0].values;
        let more = whole[1].unwrap() as f64 - whole[0].unwrap() as f64;
        assert!((report.goals[0].measured - more).abs() < 0.01, "{report}");
    }
}
