//! The strict client of `bench prove`.
//!
//! `bench_prove_client ADDRESS CONNECTIONS MS [RATE]` asks the server at the address on kept
//! connections, as often as it is answered, or so often a second, and says what it found as one
//! JSON object.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use rekindle_prove::{Group, Mode, Plan, Request, Target};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: ADDRESS CONNECTIONS MS [RATE]");
    let address: SocketAddr = next()?.parse().context("understand the address")?;
    let connections = next()?.parse().context("understand how many connections")?;
    let duration = Duration::from_millis(next()?.parse().context("understand how long")?);
    let mut group = Group::new(Mode::Keep, Request::get("/")).connections(connections);
    if let Ok(rate) = next() {
        group = group.rate(rate.parse().context("understand the rate")?);
    }
    // As many threads as it has cores: one, if it was put on one.
    let runtime = tokio::runtime::Runtime::new()?;
    let plan = Plan::new(Target::Tcp(address)).group(group).duration(duration);
    let outcome = runtime.block_on(async { anyhow::Ok(plan.start()?.wait().await) })?;
    let latency = &outcome.groups[0].latency;
    let found = serde_json::json!({
        "requests": outcome.tally.answered,
        "failed": outcome.noticed + outcome.tally.could_not_measure,
        "took_ns": u64::try_from(outcome.elapsed.as_nanos())?,
        "p50_us": u64::try_from(latency.percentile(50.0).as_micros())?,
        "p99_us": u64::try_from(latency.percentile(99.0).as_micros())?,
        "p99_9_us": u64::try_from(latency.percentile(99.9).as_micros())?,
        "longest_us": u64::try_from(latency.longest().as_micros())?,
    });
    println!("{found}");
    Ok(())
}
