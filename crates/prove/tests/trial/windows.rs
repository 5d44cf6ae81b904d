//! What is counted between two restarts, and in each interval.

use std::time::Duration;

use rekindle_prove::{
    Allowance, FailureKind, Group, Mode, Notice, Proof, Request, Responder, Tally, Verdict,
};

use crate::service::{Fate, Service, busy};

const THINK: Duration = Duration::from_millis(20);

fn idle(connections: usize) -> Group {
    Group::new(Mode::Idle { mean_think: THINK }, Request::get("/")).connections(connections)
}

/// Adds up what each window, and each sample, holds of each group: it is what the group counted.
fn adds_up(proof: &Proof) {
    for (place, group) in proof.outcome.groups.iter().enumerate() {
        let mut of_windows = Tally::default();
        proof.windows.iter().for_each(|window| of_windows += window.groups[place]);
        assert_eq!(of_windows, group.tally);
        let mut of_samples = Tally::default();
        proof.timeline.groups[place].iter().for_each(|sample| of_samples += sample.tally);
        assert_eq!(of_samples, group.tally);
    }
    for window in &proof.windows {
        let mut sum = Tally::default();
        window.groups.iter().for_each(|group| sum += *group);
        assert_eq!(sum, window.tally);
        // `closed_between_requests` and its likes are failures that have a record each.
        let failures = proof.outcome.failures.iter().filter(|it| it.restart == window.restart);
        assert_eq!(failures.count() as u64, window.tally.noticed(), "{window:?}");
    }
    for failure in &proof.outcome.failures {
        let window = &proof.windows[failure.restart as usize];
        assert!((window.from..=window.until).contains(&failure.at), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_loses_nothing() {
    let service = Service::new();
    let groups = busy().into_iter().chain([idle(4)]);
    let trial = service.trial(groups, |_| Fate::Moves).times(5);
    trial.check().await.unwrap();
    let running = trial.start().unwrap();
    let proof = running.finished().await;
    assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed, "{:#?}", proof.outcome.failures);
    adds_up(&proof);
    assert_eq!((proof.restarts_planned, proof.restarts.len(), proof.windows.len()), (5, 5, 6));
    for (restart, window) in proof.restarts.iter().zip(&proof.windows[1..]) {
        let change = restart.change.as_ref().unwrap();
        let generation = u64::from(restart.number) + 1;
        let pid = Some(1_001 + restart.number);
        assert_eq!(change.responder, Responder { generation, pid });
        assert!(change.at >= restart.at && change.at < window.until);
        assert_eq!((window.restart, window.from), (restart.number, restart.at));
        assert!(window.tally.answered > 0);
    }
    let edges = proof.windows.windows(2).map(|pair| (pair[0].until, pair[1].from));
    assert!(edges.clone().all(|(until, from)| until == from));
    assert_eq!(proof.windows[0].from, Duration::ZERO);
    assert_eq!(proof.windows[5].until, proof.outcome.elapsed);
    let every = Duration::from_millis(150);
    assert!(proof.restarts.windows(2).all(|pair| pair[1].at - pair[0].at >= every));
    let intervals = u32::try_from(proof.timeline.groups[0].len()).unwrap();
    let covered = proof.timeline.interval * intervals;
    assert!(covered >= proof.outcome.elapsed, "{covered:?}");
    assert!(covered < proof.outcome.elapsed + 2 * proof.timeline.interval, "{covered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_end_are_in_the_window_of_their_restart() {
    let service = Service::new();
    let fate = |number| if number == 2 { Fate::ClosesIdle } else { Fate::Moves };
    let proof = service.trial([idle(16)], fate).times(3).start().unwrap().finished().await;
    adds_up(&proof);
    let Tally { closed_between_requests, reset, lost, crossed, .. } = proof.outcome.tally;
    assert_eq!(service.closed(), 16);
    // A close can meet a request on the wire: then it is one of the crossed, and no more.
    assert_eq!((closed_between_requests + reset + lost, reset + lost), (16, crossed));
    let noticed: Vec<_> = proof.windows.iter().map(|window| window.tally.noticed()).collect();
    assert_eq!(noticed, [0, 0, 16, 0]);
    for failure in &proof.outcome.failures {
        // A connection may have had an answer of the new generation just before it ended.
        assert!(failure.last_responder.is_some_and(|it| it.generation <= 3), "{failure:?}");
        assert_eq!(failure.next_responder.map(|it| it.generation), Some(3), "{failure:?}");
    }
    assert_eq!(proof.verdict(&[]), Verdict::Noticed);
    let allowances = [Notice::ClosedBetweenRequests, Notice::Reset, Notice::Lost]
        .map(|notice| Allowance::count(notice, 16));
    assert_eq!(proof.verdict(&allowances), Verdict::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_is_counted_where_it_ended() {
    let service = Service::new();
    let held = Group::new(Mode::Keep, Request::get("/hold")).connections(7).requests(1);
    let fate = |number| if number == 2 { Fate::CutsHeld } else { Fate::Moves };
    let trial = service.trial(busy().into_iter().chain([held]), fate).times(3);
    let running = trial.start().unwrap();
    service.holds(7).await;
    let progress = running.progress();
    assert!(progress.restarts.is_empty() && progress.restarts_planned == 3);
    assert_eq!(progress.groups[2].tally.under_way(), 7);
    let proof = running.finished().await;
    adds_up(&proof);
    let lost: Vec<_> = proof.windows.iter().map(|window| window.groups[2].lost).collect();
    let started: Vec<_> = proof.windows.iter().map(|window| window.groups[2].started).collect();
    assert_eq!((started, lost), (vec![7, 0, 0, 0], vec![0, 0, 7, 0]));
    assert_eq!(proof.outcome.noticed, 7);
    let of_samples = proof.timeline.groups[2].iter().map(|sample| sample.tally.lost);
    assert_eq!(of_samples.clone().sum::<u64>(), 7);
    let place = of_samples.clone().position(|lost| lost > 0).unwrap();
    let from = proof.timeline.interval * u32::try_from(place).unwrap();
    assert!(from + 2 * proof.timeline.interval > proof.restarts[1].at, "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_in_the_window_of_the_restart_that_was_deaf() {
    let service = Service::new();
    let deaf = Duration::from_millis(80);
    let fate = move |number| if number == 1 { Fate::Deaf(deaf) } else { Fate::Moves };
    let proof = service.trial(busy(), fate).times(2).start().unwrap().finished().await;
    adds_up(&proof);
    let noticed = |window: usize| proof.windows[window].tally.noticed();
    assert_eq!((noticed(0), noticed(2)), (0, 0));
    let Tally { refused, reset, .. } = proof.windows[1].tally;
    assert!(refused >= 3 && noticed(1) == refused + reset, "{:?}", proof.windows[1].tally);
    // Only one connection can have stood in the queue of the listener that was closed.
    assert!(reset <= 1, "{reset}");
    let kinds = [FailureKind::Refused, FailureKind::Reset];
    assert!(proof.outcome.failures.iter().all(|it| it.restart == 1 && kinds.contains(&it.kind)));
    assert!(proof.restarts[0].took >= deaf && proof.restarts[1].took < deaf);
}
