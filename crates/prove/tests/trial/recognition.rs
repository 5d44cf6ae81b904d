//! Whether a restart changed who answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rekindle_prove::{
    Allowance, ByPattern, Group, Mode, Notice, Obstacle, Recognition, Request, Responder,
    RestartState, Verdict,
};

use crate::service::{Answer, Fate, Service, busy};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_changed_nobody_is_a_failure() {
    let service = Service::new();
    let fate = |number| if number == 2 { Fate::Stays } else { Fate::Moves };
    let trial = service.trial(busy(), fate).times(3).settle(Duration::from_millis(200));
    let proof = trial.start().unwrap().finished().await;
    let states: Vec<_> = proof.restarts.iter().map(|restart| restart.state).collect();
    let expected = [RestartState::Changed, RestartState::Unchanged, RestartState::Changed];
    assert_eq!(states, expected);
    assert_eq!(proof.restarts[1].change, None);
    // It was waited for: the next came 200 ms later, and not 150.
    let [_, unchanged, next] = proof.restarts.as_slice() else { panic!() };
    assert!(next.at >= unchanged.at + Duration::from_millis(200));
    assert_eq!((proof.outcome.noticed, proof.verdict(&[])), (0, Verdict::Noticed));
    let verdict = |allowance: &str| proof.verdict(&[allowance.parse().unwrap()]);
    assert_eq!(verdict("unchanged=1"), Verdict::Allowed);
    assert_eq!(verdict("unchanged=33.4%"), Verdict::Allowed);
    assert_eq!(verdict("unchanged=33.3%"), Verdict::Noticed);
    assert_eq!(proof.verdict(&[Allowance::count(Notice::Lost, 9)]), Verdict::Noticed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_one_of_many_workers_is_a_change() {
    let number = AtomicU64::new(0);
    let service = Service::answering(move |_, generation| {
        let worker = number.fetch_add(1, Ordering::SeqCst) % 4;
        // A restart replaces one worker of four, and it says nothing but its pid.
        let pid = if worker == 0 { 100 * generation } else { worker };
        Answer::Text(format!("<p>served by worker {pid}</p>"))
    });
    let by = Recognition::answers(ByPattern::new(r"worker (?<pid>\d+)").unwrap());
    let trial = service.trial(busy(), |_| Fate::Moves).times(3).recognise_by(by);
    trial.check().await.unwrap();
    let proof = trial.start().unwrap().finished().await;
    let pids = proof.restarts.iter().map(|it| it.change.as_ref().unwrap().responder.pid.unwrap());
    assert_eq!(pids.collect::<Vec<_>>(), [200, 300, 400]);
    assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed);
    assert_eq!(proof.outcome.generations.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_worker_that_answers_late_is_seen_when_it_does() {
    let service = Service::answering(|path, generation| match path {
        "/" => Answer::Text(format!("pid 7 generation {generation}")),
        _ => Answer::Text(String::new()),
    });
    // Who is seldom asked says seldom who answers.
    let seldom = Group::new(Mode::Keep, Request::get("/")).pause(Duration::from_millis(350));
    let busy = Group::new(Mode::Keep, Request::get("/x")).pause(Duration::from_millis(1));
    let trial = service.trial([seldom, busy], |_| Fate::Moves).times(2);
    let proof = trial.settle(Duration::from_secs(20)).start().unwrap().finished().await;
    for (restart, generation) in proof.restarts.iter().zip(2..) {
        let change = restart.change.as_ref().unwrap();
        assert_eq!(change.responder, Responder { generation, pid: Some(7) });
        let outcome = proof.outcome.generations.iter();
        let first = outcome.clone().find(|it| it.responder == change.responder).unwrap().first;
        assert_eq!(change.at, first, "when its first answer came");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_nobody_is_not_told_apart() {
    let service = Service::answering(|_, _| Answer::Text("hello".to_owned()));
    let trial = service.trial(busy(), |_| Fate::Moves).times(1).settle(Duration::from_millis(50));
    let by = Recognition::answers(ByPattern::new("pid ([0-9]+)").unwrap());
    let proof = trial.clone().recognise_by(by).start().unwrap().finished().await;
    assert_eq!(proof.restarts[0].state, RestartState::Unrecognised);
    let obstacle = Obstacle::Unrecognised { number: 1 };
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));

    let proof = trial.recognise_by(Recognition::Off).start().unwrap().finished().await;
    assert_eq!(proof.restarts[0].state, RestartState::NotJudged);
    assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed, "as it was wanted");
}
