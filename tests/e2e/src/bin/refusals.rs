//! A trial of the fault server in a network that nobody else uses, where the kernel's counters are
//! about it alone. Says, as JSON, what the clients counted and what the kernel did.

use std::sync::Arc;
use std::time::Duration;

use rekindle_e2e::{Fault, FaultServer, FaultTrial, Queue, tcp_counter};
use rekindle_prove::{Group, Mode, Plan, Request};
use serde_json::json;

const CLIENTS: usize = 8;
/// Outside of the range from which clients get theirs.
const PORT: u16 = 8080;
const QUEUE: Queue = Queue { waiting: CLIENTS, path: "/" };
const FAULTS: &[&[Fault]] = &[
    &[],
    &[Fault::Refuse(QUEUE, Duration::from_millis(50))],
    &[],
    &[Fault::Refuse(QUEUE, Duration::from_millis(200))],
];

fn main() -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let proof = runtime.block_on(async {
        let server = Arc::new(FaultServer::start(([127, 0, 0, 1], PORT).into()));
        let group = Group::new(Mode::New, Request::get("/"));
        let group = group.connections(CLIENTS).pause(Duration::from_millis(1));
        let plan = Plan::new(server.target()).group(group);
        FaultTrial::new(&server, FAULTS).refusals(kernel_refused).prove(plan).await
    });
    let counted = json!({
        "clients": CLIENTS,
        "windows": proof.windows,
        "failures": proof.outcome.failures,
        "kernel_refused": kernel_refused(),
    });
    println!("{counted}");
    Ok(())
}

/// Connections that were asked for and did not come to be (RFC 4022, `tcpAttemptFails`).
fn kernel_refused() -> u64 {
    tcp_counter("AttemptFails")
}
