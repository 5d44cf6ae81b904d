//! The groups of trials against the fault server, and the one comparison of the two accounts.

use std::sync::Arc;
use std::time::Duration;

use rekindle_e2e::{Deed, Fault, FaultServer, FaultTrial, Harm};
use rekindle_prove::{Failure, Group, Mode, Plan, Proof, Request, RestartState, Tally};

/// How many clients a group has.
pub(crate) const CLIENTS: usize = 6;

/// A server for the faults.
pub(crate) fn server() -> Arc<FaultServer> {
    Arc::new(FaultServer::start(([127, 0, 0, 1], 0).into()))
}

/// The groups that a trial has, each with a path of its own, by which the server knows it.
pub(crate) fn group(path: &str) -> Group {
    let idle = Mode::Idle { mean_think: Duration::from_millis(30) };
    let group = match path {
        "/new" => Group::new(Mode::New, Request::get(path)).pause(Duration::from_millis(1)),
        "/keep" => Group::new(Mode::Keep, Request::get(path)),
        "/idle" => Group::new(idle, Request::get(path)),
        "/post" => Group::new(Mode::Keep, Request::post(path, 16 * 1024)),
        "/slow" => Group::new(Mode::Keep, Request::get("/slow?ms=300")),
        "/upload" => Group::new(Mode::Keep, Request::post(path, 4 * 1024))
            .upload_time(Duration::from_millis(200)),
        _ => panic!("no group asks for {path}"),
    };
    group.name(path).connections(CLIENTS)
}

/// Loads the server with these groups, and restarts it with each of these lists of faults.
pub(crate) async fn prove(server: &Arc<FaultServer>, paths: &[&str], faults: &[&[Fault]]) -> Proof {
    let plan = Plan::new(server.target()).request_limit(Duration::from_secs(20));
    let plan = paths.iter().fold(plan, |plan, path| plan.group(group(path)));
    FaultTrial::new(server, faults).prove(plan).await
}

/// The clients' account is the server's: each harm was seen by the client to which it was done, in
/// the window in which it was done, and nothing else was seen. Returns it.
pub(crate) fn assert_all_is_found(server: &FaultServer, proof: &Proof) -> Vec<Deed> {
    assert_restarted(proof);
    assert_eq!(proof.outcome.failures_not_kept, 0);
    let mut seen: Vec<_> = proof.outcome.failures.iter().map(|one| deed(proof, one)).collect();
    seen.sort_unstable();
    let done = server.deeds();
    let is_failure = |deed: &&Deed| deed.harm != Harm::AnnouncedClose;
    let failures: Vec<_> = done.iter().filter(is_failure).cloned().collect();
    if seen != failures {
        let missed: Vec<_> = failures.iter().filter(|deed| !seen.contains(deed)).collect();
        let unfounded = |one: &&Failure| !failures.contains(&deed(proof, one));
        let unfounded: Vec<_> = proof.outcome.failures.iter().filter(unfounded).collect();
        panic!("done and not seen: {missed:#?}\nseen and not done: {unfounded:#?}");
    }
    for window in &proof.windows {
        let within = |deed: &&Deed| deed.restart == window.restart;
        assert_eq!(noticed(&window.tally), tally(done.iter().filter(within)), "{window:?}");
        for (group, counted) in proof.outcome.groups.iter().zip(&window.groups) {
            let of_group = |deed: &&Deed| within(deed) && deed.path == group.name;
            let expected = tally(done.iter().filter(of_group));
            assert_eq!(noticed(counted), expected, "{} of {window:?}", group.name);
        }
    }
    assert_eq!(proof.outcome.tally.answered, server.answered(), "answers that were counted");
    done
}

/// Each restart was seen to change the process.
fn assert_restarted(proof: &Proof) {
    assert_eq!(proof.restarts.len(), proof.restarts_planned as usize);
    for restart in &proof.restarts {
        assert_eq!(restart.state, RestartState::Changed, "{restart:?}");
        let generation = restart.change.as_ref().unwrap().responder.generation;
        assert_eq!(generation, u64::from(restart.number) + 1, "{restart:?}");
    }
}

/// What a failure says that the server did.
fn deed(proof: &Proof, failure: &Failure) -> Deed {
    Deed {
        restart: failure.restart,
        path: proof.outcome.groups[failure.group].name.clone(),
        port: failure.local_port.unwrap_or_else(|| panic!("no port: {failure:?}")),
        harm: Harm::of(failure).unwrap_or_else(|| panic!("nobody did that: {failure:?}")),
    }
}

/// All but what went well.
fn noticed(tally: &Tally) -> Tally {
    Tally { started: 0, answered: 0, ..*tally }
}

/// What clients must have counted of these.
fn tally<'a>(deeds: impl Iterator<Item = &'a Deed>) -> Tally {
    let mut tally = Tally::default();
    for deed in deeds {
        match deed.harm {
            Harm::Reset { crossed } => {
                tally.reset += 1;
                tally.crossed += u64::from(crossed);
            }
            Harm::Lost { crossed } => {
                tally.lost += 1;
                tally.crossed += u64::from(crossed);
            }
            Harm::TimedOut => tally.timed_out += 1,
            Harm::Wrong => tally.wrong += 1,
            Harm::ClosedBetweenRequests => tally.closed_between_requests += 1,
            Harm::Unsolicited => tally.unsolicited += 1,
            Harm::AnnouncedClose => tally.announced_close += 1,
        }
    }
    tally
}
