//! The client of the HTTP benches: one thread, so that it fits on one core beside a server on
//! another, and quick enough that the server is what limits.
//!
//! - `keep ADDRESS CONNECTIONS MILLISECONDS` asks on kept connections, as often as it is answered;
//! - `new ADDRESS CONNECTIONS MILLISECONDS` does the same, each time on a new connection;
//! - `paced ADDRESS CONNECTIONS MILLISECONDS RATE` asks on kept ones so often a second, whether it
//!   is answered or not;
//! - `idle ADDRESS CONNECTIONS` asks once on each, and again for each line on its input.
//!
//! What it found is one JSON object in a line. Nothing is tried twice, and what a client should
//! not notice counts as failed: a connection that is refused, lost, closed or announced to be, or
//! an answer that is not 200.

mod connection;
mod idle;
mod paced;
mod poller;
mod saturated;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::saturated::Mode;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments[..] {
        ["keep", address, count, time] => saturate(Mode::Kept, address, count, time)?,
        ["new", address, count, time] => saturate(Mode::New, address, count, time)?,
        ["paced", address, connections, time, rate] => {
            let (address, connections) = (parse_address(address)?, parse(connections)?);
            paced::run(address, connections, milliseconds(time)?, parse(rate)? as u64)?
        }
        ["idle", address, connections] => {
            return idle::run(parse_address(address)?, parse(connections)?);
        }
        _ => bail!("understand `{}`: see the head of bench_client", arguments.join(" ")),
    };
    println!("{found}");
    Ok(())
}

fn saturate(mode: Mode, address: &str, connections: &str, time: &str) -> Result<serde_json::Value> {
    saturated::run(mode, parse_address(address)?, parse(connections)?, milliseconds(time)?)
}

fn parse_address(text: &str) -> Result<SocketAddr> {
    text.parse().with_context(|| format!("read the address `{text}`"))
}

fn parse(text: &str) -> Result<usize> {
    text.parse().with_context(|| format!("read the number `{text}`"))
}

fn milliseconds(text: &str) -> Result<Duration> {
    let count = text.parse().with_context(|| format!("read the milliseconds `{text}`"))?;
    Ok(Duration::from_millis(count))
}
