//! `bench http`: what serving by rekindle costs, beside the same application served without it;
//! and what an upgrade every second costs, beside none.
//!
//! Requests a second are measured with the server on one core and the client on another, so that
//! the server is what limits. Each of many short rounds asks all servers in turn, and starts them
//! anew. What is compared is measured in one round; the goal is for the median of the rounds.

mod latency;
mod throughput;

use std::time::Duration;

use anyhow::{Context, Result};

use self::latency::Latency;
use self::throughput::Throughput;
use super::client::{Clients, Mode};
use super::cores::Cores;
use super::median::{Ratio, median};
use super::programs::Programs;
use super::report::{Goal, Report};
use super::server::{Server, Way};

/// What part of the plain server's requests a second ours must have.
const SHARE_LIMIT: f64 = 0.97;

/// How many times as long as without upgrades one request of a thousand may take with them.
const LATENCY_RATIO_LIMIT: f64 = 2.0;

/// How many connections ask at once.
const CONNECTIONS: usize = 64;

/// Of the requests a second that are answered at most, how many are asked where their latency is
/// measured: one in so many.
const LOAD_DIVISOR: u64 = 3;

/// How often and how long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
}

pub(crate) fn measure(programs: &Programs<'_>, effort: Effort) -> Result<Report> {
    let (server, client) = (programs.http_server()?, programs.client()?);
    let cores = Cores::find()?;
    let clients = Clients { program: &client, core: cores.client, connections: CONNECTIONS };
    let throughput = Throughput::measure(&server, cores.server, clients, effort)?;
    let capacity = median(throughput.rates(Mode::Kept, 0)).context("measure a rate")?;
    let mut server = Server::start_http(&server, Way::Rekindle, cores.server)?;
    let latency = Latency::measure(&mut server, clients, effort, capacity / LOAD_DIVISOR)?;
    server.stop()?;
    let mut columns = throughput.columns();
    columns.push("with upgrades".into());
    let mut rows = throughput.rows();
    rows.extend(latency.rows(columns.len()));
    Ok(Report {
        bench: "http",
        how: format!(
            "{CONNECTIONS} connections, {}; each value the median of {} rounds of {} ms, with new \
             processes each; latency at {} requests a second, without upgrades and with {} of them",
            cores.description(),
            effort.rounds,
            effort.round.as_millis(),
            latency.rate,
            latency.upgrades,
        ),
        columns,
        rows,
        goals: goals(&throughput, &latency)?,
    })
}

fn goals(throughput: &Throughput, latency: &Latency) -> Result<Vec<Goal>> {
    let share = |mode| throughput.share(mode).context("measure anything: there were no rounds");
    let times = latency.ratio().context("measure anything: there were no rounds")?;
    let failed = u32::try_from(throughput.failed() + latency.failed())?;
    let of_plain = |which, share: Ratio| {
        let name = format!("of axum::serve's requests a second, {which}");
        Goal::at_least(name, share.middle(), SHARE_LIMIT).within(share.quartiles())
    };
    Ok(vec![
        of_plain("kept connections", share(Mode::Kept)?),
        of_plain("new connections", share(Mode::New)?),
        Goal::at_most(
            "times the p99.9 latency, with upgrades",
            times.middle(),
            LATENCY_RATIO_LIMIT,
        )
        .within(times.quartiles()),
        Goal::at_most("requests that failed", f64::from(failed), 0.0),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_programs;
    use super::*;

    #[test]
    fn servers_are_compared_and_upgraded_and_no_client_notices() {
        let effort = Effort { rounds: 1, round: Duration::from_millis(300) };
        let report = measure(&Programs::Built(&built_programs()), effort).unwrap();
        assert_eq!(report.columns, ["rekindle", "axum::serve", "hyper", "with upgrades"]);
        let [kept, new, latency, failed] = &report.goals[..] else { panic!("{report}") };
        assert!([kept, new, latency].iter().all(|goal| goal.measured > 0.0), "{report}");
        assert!(failed.is_met(), "{report}");
        let rates = &report.rows[0].values;
        let share = rates[0].unwrap() as f64 / rates[1].unwrap() as f64;
        assert!((kept.measured - share).abs() < 0.01, "{report}");
        assert!(report.how.contains("with 1 of them"), "{report}");
    }
}
