//! `bench listeners`: an upgrade with many listeners beside one with a single listener.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

/// Lets the servers that we start have so many descriptors, as far as we may allow it.
fn allow_descriptors(needed: usize) -> Result<()> {
    let needed = u64::try_from(needed).context("count descriptors")?;
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is the highest.
    let (current, maximum) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    ensure!(
        needed <= maximum,
        "open {needed} descriptors: the limit is {maximum}; raise it by `ulimit -Hn`"
    );
    if needed > current {
        let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).context("raise the limit of descriptors")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::server::built_server;
    use super::*;

    #[test]
    fn more_than_one_frame_of_listeners_is_handed_over_and_compared() {
        let report = measure(&built_server(), 1, 100).unwrap();
        assert_eq!(report.columns, ["1 listener", "100 listeners"]);
        let whole = &report.rows[0].values;
        let more = whole[1].unwrap() as f64 - whole[0].unwrap() as f64;
        assert!((report.goals[0].measured - more).abs() < 0.01, "{report}");
    }

    #[test]
    fn more_descriptors_than_the_system_allows_is_an_error() {
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow_descriptors(usize::MAX).unwrap_err().to_string();
            assert!(error.contains("ulimit"), "{error}");
        }
        allow_descriptors(10).unwrap();
    }
}
