//! When a trial restarts, and how it ends.

use std::time::{Duration, Instant};

use rekindle_prove::{
    Group, Mode, Obstacle, Plan, Request, RestartError, RestartState, Trial, TrialError, Verdict,
};

use crate::service::{Answer, Fate, Service, busy};

fn states(restarts: &[rekindle_prove::RestartOutcome]) -> Vec<RestartState> {
    restarts.iter().map(|restart| restart.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_failed_ends_the_trial() {
    let service = Service::new();
    let trial = service.trial(busy(), |_| Fate::Moves).times(9).restart(|number: u32| async move {
        if number == 1 { Ok(()) } else { Err(RestartError::other("no such unit")) }
    });
    let trial = trial.settle(Duration::from_millis(50));
    let proof = trial.start().unwrap().finished().await;
    assert_eq!(states(&proof.restarts), [RestartState::Unchanged, RestartState::Failed]);
    assert_eq!(proof.windows.len(), 3);
    let error = "no such unit".to_owned();
    assert_eq!(proof.restarts[1].error.as_ref(), Some(&error));
    let obstacle = Obstacle::RestartFailed { number: 2, error };
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_way_delays_the_next() {
    let service = Service::new();
    let slow = Duration::from_millis(400);
    let fate = move |number| if number == 1 { Fate::Deaf(slow) } else { Fate::Moves };
    let proof = service.trial(busy(), fate).times(3).start().unwrap().finished().await;
    let [first, second, third] = proof.restarts.as_slice() else { panic!() };
    assert_eq!((first.delayed, third.delayed), (Duration::ZERO, Duration::ZERO));
    assert!(second.at >= first.at + slow && second.at < third.at);
    // It was due 150 ms after the first.
    assert!(second.delayed >= slow - Duration::from_millis(150), "{second:?}");
    assert!(second.delayed < second.at - first.at);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_no_restart() {
    let service = Service::new();
    let asked = std::sync::Arc::new(tokio::sync::Notify::new());
    let trial = service.trial(busy(), |_| Fate::Moves).restart({
        let asked = asked.clone();
        move |_| {
            asked.notify_one();
            std::future::pending()
        }
    });
    let running = trial.start().unwrap();
    asked.notified().await;
    let began = Instant::now();
    let progress = running.progress();
    assert_eq!(states(&progress.restarts), [RestartState::UnderWay]);
    assert!(!running.is_finished() && progress.tally.answered > 0);
    running.stop();
    let proof = running.finished().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(states(&proof.restarts), [RestartState::UnderWay]);
    let obstacle = Obstacle::RestartsMissing { made: 1, planned: 10 };
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_ends_while_the_last_restart_settles_proves_nothing() {
    let service = Service::new();
    let plan = Plan::new(service.target.clone()).duration(Duration::from_millis(400));
    let plan = busy().into_iter().fold(plan, Plan::group);
    let trial = Trial::new(plan).times(1).every(Duration::from_millis(50));
    let trial = trial.settle(Duration::from_secs(60)).restart(|_| async { Ok(()) });
    let proof = trial.start().unwrap().finished().await;
    assert_eq!(states(&proof.restarts), [RestartState::UnderWay]);
    let obstacle = Obstacle::RestartUnderWay { number: 1 };
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_load_ends_the_trial() {
    let service = Service::new();
    let plan = Plan::new(service.target.clone()).duration(Duration::from_millis(200));
    let plan = busy().into_iter().fold(plan, Plan::group);
    let proof = Trial::new(plan)
        .every(Duration::from_secs(60))
        .restart(|_| async { Ok(()) })
        .start()
        .unwrap()
        .finished()
        .await;
    assert!(proof.restarts.is_empty() && proof.outcome.elapsed < Duration::from_secs(10));
    assert_eq!(proof.windows.len(), 1);
    let obstacle = Obstacle::RestartsMissing { made: 0, planned: 10 };
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(obstacle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_without_restarts_is_a_load() {
    let service = Service::new();
    let lead = Duration::from_millis(200);
    let trial = service.trial(busy(), |_| Fate::Moves).times(0).lead(lead);
    let proof = trial.start().unwrap().finished().await;
    assert!(proof.outcome.elapsed >= lead && proof.outcome.tally.answered > 0);
    assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed);
    let few = Group::new(Mode::Keep, Request::get("/")).requests(3);
    let plan = Plan::new(service.target.clone()).group(few);
    let proof = Trial::new(plan).times(0).lead(Duration::from_secs(600)).start().unwrap();
    assert_eq!(proof.finished().await.outcome.tally.answered, 3, "its own end is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_to_restart_it_is_not_started() {
    let service = Service::new();
    let plan = busy().into_iter().fold(Plan::new(service.target.clone()), Plan::group);
    let error = Trial::new(plan.clone()).start().unwrap_err();
    assert!(matches!(error, TrialError::NoRestart), "{error}");
    let empty = Trial::new(Plan::new(service.target.clone())).times(0).start().unwrap_err();
    assert!(matches!(empty, TrialError::Plan(_)), "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_nothing_is_not_measured() {
    let service = Service::answering(|_, _| Answer::Status("500 Internal Server Error"));
    let trial = service.trial(busy(), |_| Fate::Moves).times(1).settle(Duration::ZERO);
    let proof = trial.start().unwrap().finished().await;
    assert!(proof.outcome.tally.wrong > 0);
    assert_eq!(proof.verdict(&[]), Verdict::CouldNotMeasure(Obstacle::NothingAnswered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_is_dropped_stops() {
    let service = Service::new();
    let asked = std::sync::Arc::new(());
    let held = std::sync::Arc::clone(&asked);
    let trial = service.trial(busy(), |_| Fate::Moves).restart(move |_| {
        let held = std::sync::Arc::clone(&held);
        async move {
            drop(held);
            Ok(())
        }
    });
    drop(trial.every(Duration::from_secs(600)).start().unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::sync::Arc::strong_count(&asked) > 1 {
        assert!(Instant::now() < deadline, "its task is still there");
        // Nothing tells of the end of a task that nobody holds.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
