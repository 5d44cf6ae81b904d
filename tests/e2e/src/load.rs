//! The loads that the scenarios are run under, and the one judgement on them that all share.

use std::time::Duration;

use rekindle_prove::{Group, Load, Mode, Outcome, Plan, Request, Target};

use crate::patience::eventually;

/// A pause between two requests of a client, so that the load leaves a small machine time for the
/// upgrades.
const PAUSE: Duration = Duration::from_millis(2);

/// How many clients a load has.
pub const CLIENTS: usize = 8;

/// Loads `target` with [`CLIENTS`] that open a connection for each request, as tasks of the
/// caller's runtime: half of them ask, half have 1 KiB echoed.
pub fn new_connections(target: Target) -> Load {
    let group = |request| Group::new(Mode::New, request).connections(CLIENTS / 2).pause(PAUSE);
    let plan = Plan::new(target)
        .group(group(Request::get("/")))
        .group(group(Request::post("/echo", 1024)));
    plan.start().unwrap()
}

/// Loads `target` with so many connections that are kept and saturated: half of them ask, half have
/// 16 KiB echoed.
pub fn kept_connections(target: Target, connections: usize) -> Load {
    let group = |request| Group::new(Mode::Keep, request).connections(connections / 2);
    let plan = Plan::new(target)
        .group(group(Request::get("/")))
        .group(group(Request::post("/echo", 16 * 1024)));
    plan.start().unwrap()
}

/// Loads `target` with so many connections that are kept and mostly idle: between two requests each
/// thinks, for this long in the mean.
pub fn idle_connections(target: Target, connections: usize, mean_think: Duration) -> Load {
    let mode = Mode::Idle { mean_think };
    let group = |request| Group::new(mode, request).connections(connections / 2);
    let plan = Plan::new(target)
        .group(group(Request::get("/")))
        .group(group(Request::post("/echo", 1024)));
    plan.start().unwrap()
}

/// Waits until `load` has so many more answers that one of them is to a request that was made
/// after this was called.
pub fn serves_on(load: &Load) {
    let enough = load.snapshot().answered + 2 * CLIENTS as u64;
    eventually("the load is answered", || (load.snapshot().answered >= enough).then_some(()));
}

/// Clients were served all the while, and noticed nothing.
///
/// # Panics
///
/// If they noticed anything, or were not served at all.
pub fn assert_nothing_noticed(outcome: &Outcome) {
    assert_eq!(outcome.noticed, 0, "{:#?}\n{:#?}", outcome.tally, outcome.failures);
    assert_eq!(outcome.tally.could_not_measure, 0, "{:#?}", outcome.failures);
    assert!(outcome.tally.answered > 0, "nothing was asked");
    assert_eq!(outcome.tally.answered, outcome.tally.started);
}
