//! Each fault of a restart is found: by the client to which it was done, in its column, in its
//! window, and nothing else is.

use std::time::Duration;

use rekindle_e2e::{Deed, Fault, FaultServer, FaultTrial, Harm, Queue, Twist};
use rekindle_prove::{Group, Mode, Plan, Progress, Request, Verdict};

use crate::trial::{CLIENTS, assert_all_is_found, group, prove, server};

const ALL: [&str; 6] = ["/new", "/keep", "/idle", "/post", "/slow", "/upload"];
const SECOND: Duration = Duration::from_secs(1);
/// So long that nobody asks twice.
const HOUR: Duration = Duration::from_secs(3600);

/// How many of what was done are this, in these windows.
fn count(deeds: &[Deed], restart: u32, harm: Harm) -> usize {
    deeds.iter().filter(|deed| (deed.restart, deed.harm) == (restart, harm)).count()
}

/// A load of clients that ask once and then rest.
fn resting(server: &FaultServer) -> Plan {
    let rest = Group::new(Mode::Keep, Request::get("/rest")).name("/rest");
    Plan::new(server.target()).group(rest.pause(HOUR).connections(CLIENTS))
}

/// Whether they do.
fn all_rest(seen: &Progress) -> bool {
    seen.groups[0].tally.answered == CLIENTS as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_in_perfect_restarts() {
    let server = server();
    let proof = prove(&server, &ALL, &[&[][..]; 5]).await;
    assert_eq!(assert_all_is_found(&server, &proof), []);
    assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_in_a_queue_that_is_closed_are_reset() {
    let server = server();
    let reset = Fault::ResetQueue(Queue { waiting: CLIENTS, path: "/new" });
    let proof = prove(&server, &["/new"], &[&[], &[reset][..], &[], &[reset]]).await;
    let deeds = assert_all_is_found(&server, &proof);
    for restart in [2, 4] {
        assert_eq!(count(&deeds, restart, Harm::Reset { crossed: false }), CLIENTS);
    }
    assert_eq!(deeds.len(), 2 * CLIENTS);
    assert_eq!(proof.verdict(&[]), Verdict::Noticed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_are_closed_are_told_from_requests_that_the_close_crossed() {
    let server = server();
    let plan = ALL.iter().fold(resting(&server), |plan, path| plan.group(group(path)));
    let trial = FaultTrial::new(&server, &[&[Fault::CloseIdle][..]; 4]);
    let deeds = assert_all_is_found(&server, &trial.ready(all_rest).prove(plan).await);
    let of_rest: Vec<_> = deeds.into_iter().filter(|deed| deed.path == "/rest").collect();
    let closed = count(&of_rest, 1, Harm::ClosedBetweenRequests);
    assert_eq!((closed, of_rest.len()), (CLIENTS, CLIENTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_to_resting_connections_is_unsolicited() {
    let server = server();
    // Said to those who have not read the answer before, it would be too much of that.
    let trial = FaultTrial::new(&server, &[&[Fault::TalkToIdle], &[]]).ready(all_rest);
    let proof = trial.prove(resting(&server).group(group("/new"))).await;
    let deeds = assert_all_is_found(&server, &proof);
    assert_eq!((count(&deeds, 1, Harm::Unsolicited), deeds.len()), (CLIENTS, CLIENTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_that_are_cut_are_reset() {
    let server = server();
    let proof = prove(&server, &ALL, &[&[Fault::CutInFlight][..]; 3]).await;
    let deeds = assert_all_is_found(&server, &proof);
    for path in ["/slow", "/upload"] {
        assert!(deeds.iter().any(|deed| deed.path == path), "none of {path} was under way");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_that_are_ended_are_lost() {
    let server = server();
    let proof = prove(&server, &ALL, &[&[Fault::EndInFlight][..]; 3]).await;
    let deeds = assert_all_is_found(&server, &proof);
    assert!(!deeds.is_empty(), "none was under way");
    assert!(deeds.iter().all(|deed| matches!(deed.harm, Harm::Lost { .. })), "{deeds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_answers_are_lost() {
    let server = server();
    let faults: &[&[Fault]] = &[&[Fault::Answers(Twist::Half, 7)], &[]];
    let deeds = assert_all_is_found(&server, &prove(&server, &ALL, faults).await);
    assert_eq!((count(&deeds, 1, Harm::Lost { crossed: false }), deeds.len()), (7, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_right_are_wrong() {
    let server = server();
    let faults: &[&[Fault]] = &[
        &[Fault::Answers(Twist::Unavailable, 3)],
        &[Fault::Answers(Twist::Garbage, 5)],
        &[Fault::Answers(Twist::OtherEcho, 7)],
    ];
    let deeds = assert_all_is_found(&server, &prove(&server, &ALL, faults).await);
    let found = [1, 2, 3].map(|restart| count(&deeds, restart, Harm::Wrong));
    assert_eq!((found, deeds.len()), ([3, 5, 7], 15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goodbyes_are_counted_beside_their_answers() {
    let server = server();
    let faults: &[&[Fault]] = &[&[], &[Fault::Answers(Twist::Goodbye, 9)]];
    let proof = prove(&server, &ALL, faults).await;
    let deeds = assert_all_is_found(&server, &proof);
    assert_eq!((count(&deeds, 2, Harm::AnnouncedClose), deeds.len()), (9, 9));
    assert_eq!(proof.outcome.failures, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_come_late_are_seen_and_are_no_failure() {
    let server = server();
    let faults: &[&[Fault]] = &[&[Fault::Answers(Twist::Late(SECOND), CLIENTS)], &[]];
    let proof = prove(&server, &["/keep"], faults).await;
    assert_eq!(assert_all_is_found(&server, &proof), []);
    let latency = &proof.outcome.groups[0].latency;
    assert!(latency.longest() >= SECOND, "{:?}", latency.longest());
    assert!(latency.percentile(50.0) < SECOND, "{:?}", latency.percentile(50.0));
    // All of them wait at the same time: nobody is answered meanwhile.
    assert!(proof.outcome.longest_gap.length >= SECOND / 2, "{:?}", proof.outcome.longest_gap);
    let from = proof.restarts[0].at;
    let samples = proof.timeline.groups[0].iter().zip(0..);
    let late: Vec<_> = samples.filter(|(sample, _)| sample.longest >= SECOND).collect();
    assert!(!late.is_empty() && late.len() <= CLIENTS, "{} samples", late.len());
    for (_, place) in late {
        let at = proof.timeline.interval * (place + 1);
        assert!(at >= from + SECOND, "late at {at:?}, after a restart at {from:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_never_come_are_timed_out() {
    let server = server();
    let plan = Plan::new(server.target()).request_limit(SECOND).group(group("/idle"));
    let faults: &[&[Fault]] = &[&[Fault::Answers(Twist::Never, 4)], &[]];
    let proof = FaultTrial::new(&server, faults).prove(plan).await;
    let deeds = assert_all_is_found(&server, &proof);
    assert_eq!((count(&deeds, 1, Harm::TimedOut), deeds.len()), (4, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_found_among_all_the_others() {
    const OTHERS: &[Fault] = &[
        Fault::CutInFlight,
        Fault::CloseIdle,
        Fault::Answers(Twist::Half, 5),
        Fault::Answers(Twist::Unavailable, 4),
        Fault::Answers(Twist::OtherEcho, 3),
        Fault::Answers(Twist::Goodbye, 2),
    ];
    let server = server();
    let faults: &[&[Fault]] = &[OTHERS, &[], &[Fault::EndInFlight], OTHERS];
    let deeds = assert_all_is_found(&server, &prove(&server, &ALL, faults).await);
    for restart in [1, 4] {
        assert_eq!(count(&deeds, restart, Harm::Lost { crossed: false }), 5);
        assert_eq!(count(&deeds, restart, Harm::Wrong), 7);
        assert_eq!(count(&deeds, restart, Harm::AnnouncedClose), 2);
    }
    assert!(deeds.iter().all(|deed| [1, 3, 4].contains(&deed.restart)), "{deeds:?}");
}
