//! `bench prove`: how fast our strict client asks, beside `wrk`, which only counts; and whether a
//! pause of the server shows in what it finds.
//!
//! Server and client have a core each. Each of some rounds asks in turn with both, and starts the
//! server anew. What is compared is measured in one round; the goal is for the median of them.

mod ours;
mod pause;
mod throughput;
mod wrk;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use self::ours::Ours;
use self::pause::Paused;
use self::throughput::Throughput;
use self::wrk::Wrk;
use super::cores::Cores;
use super::programs::Programs;
use super::report::{Goal, Report};

/// What part of wrk's requests a second our client must make.
const SHARE_LIMIT: f64 = 0.8;

/// What part of a pause the p99 of an open loop must show. Where a second is asked for evenly and a
/// tenth of it is a pause, one request of a hundred waits at least nine tenths of that.
const SHOWN_LIMIT: f64 = 0.8;

/// How many connections ask at once.
const CONNECTIONS: usize = 64;

/// How often and how long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// In whole seconds: wrk knows no others.
    pub(crate) round_s: u64,
}

impl Effort {
    fn round(self) -> Duration {
        Duration::from_secs(self.round_s)
    }
}

pub(crate) fn measure(programs: &Programs<'_>, effort: Effort) -> Result<Report> {
    let wrk = wrk::find()?;
    let (server, client) = (programs.http_server()?, programs.prove_client()?);
    measure_with(&server, &client, &wrk, effort)
}

fn measure_with(server: &Path, client: &Path, wrk: &Path, effort: Effort) -> Result<Report> {
    let cores = Cores::find()?;
    let ours = Ours { program: client, core: cores.client, connections: CONNECTIONS };
    let wrk = Wrk { program: wrk, core: cores.client, connections: CONNECTIONS };
    let throughput = Throughput::measure(server, cores.server, ours, wrk, effort)?;
    let paused = Paused::measure(server, cores.server, ours)?;
    let mut rows = throughput.rows();
    rows.extend(paused.rows());
    Ok(Report {
        bench: "prove",
        how: format!(
            "{CONNECTIONS} kept connections to hyper, {}; each value the median of {} rounds of \
             {} s, with new processes each; a pause of {} ms in a second of {} requests",
            cores.description(),
            effort.rounds,
            effort.round_s,
            pause::PAUSE.as_millis(),
            pause::RATE,
        ),
        columns: ["rekindle prove", "wrk", "open loop", "closed loop"].map(str::to_owned).to_vec(),
        rows,
        goals: goals(&throughput, &paused)?,
    })
}

fn goals(throughput: &Throughput, paused: &Paused) -> Result<Vec<Goal>> {
    let share = throughput.share().context("measure anything: there were no rounds")?;
    let failed = u32::try_from(throughput.failed() + paused.failed())?;
    Ok(vec![
        Goal::at_least("of wrk's requests a second", share.middle(), SHARE_LIMIT)
            .within(share.quartiles()),
        Goal::at_least("of a pause in the p99 of an open loop", paused.shown(), SHOWN_LIMIT),
        Goal::at_most("requests that failed", f64::from(failed), 0.0),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_programs;
    use super::*;

    #[test]
    fn clients_are_compared_and_a_pause_shows() {
        let Ok(wrk) = wrk::find() else {
            println!("skipped: there is no wrk");
            return;
        };
        let programs = built_programs();
        let (server, client) =
            (programs.join("bench_http_server"), programs.join("bench_prove_client"));
        let effort = Effort { rounds: 1, round_s: 1 };
        let report = measure_with(&server, &client, &wrk, effort).unwrap();
        let [share, shown, failed] = &report.goals[..] else { panic!("{report}") };
        assert!(share.measured > 0.0 && shown.is_met() && failed.is_met(), "{report}");
        let rates = &report.rows[0].values;
        let quotient = rates[0].unwrap() as f64 / rates[1].unwrap() as f64;
        assert!((share.measured - quotient).abs() < 0.01, "{report}");
    }
}
