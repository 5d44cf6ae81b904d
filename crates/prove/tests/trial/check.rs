//! What is found before a trial.

use std::time::Duration;

use rekindle_prove::{ByField, CheckError, Group, Mode, Plan, Recognition, Request, Target, Trial};

use crate::service::{Answer, Fate, Service, busy};

async fn refusal(answer: fn() -> Answer, group: Group) -> String {
    let service = Service::answering(move |_, _| answer());
    let trial = service.trial([group], |_| Fate::Moves);
    trial.check().await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_answered_right_says_what_came_and_what_to_do() {
    let keep = Group::new(Mode::Keep, Request::get("/x")).name("kept");
    let text = refusal(|| Answer::Status("404 Not Found"), keep.clone()).await;
    assert_eq!(
        text,
        "ask `GET /x` once before the trial, for group `kept`: wrong answer: \
         the status is 404; ask for something that it answers with a status of 2xx"
    );
    let echo = Group::new(Mode::New, Request::post("/echo", 64));
    let text = refusal(|| Answer::Text("no echo".to_owned()), echo).await;
    assert!(text.ends_with("ask for something that sends back what it was sent"), "{text}");
    let text = refusal(|| Answer::Last, keep).await;
    assert!(text.contains("closes after its first answer"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_and_one_that_is_silent() {
    let nowhere = Target::Unix("/nonexistent/socket".into());
    let group = Group::new(Mode::Keep, Request::get("/"));
    let trial = Trial::new(Plan::new(nowhere).group(group.clone()));
    let text = trial.check().await.unwrap_err().to_string();
    assert!(text.contains("refused: No such file or directory"), "{text}");
    assert!(text.ends_with("start the server, or see where it listens"), "{text}");

    let service = Service::answering(|_, _| Answer::Held);
    let plan = Plan::new(service.target.clone()).request_limit(Duration::from_millis(50));
    let text = Trial::new(plan.group(group)).check().await.unwrap_err().to_string();
    assert!(text.contains("timed out"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_once_for_each_group_and_counts_nowhere() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&asked);
    let service = Service::answering(move |_, _| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Answer::Text("pid 1 generation 1".to_owned())
    });
    let trial = service.trial(busy(), |_| Fate::Moves);
    let checked = trial.check().await.unwrap();
    assert_eq!(checked.took.len(), 2);
    assert!(checked.took.iter().all(|took| !took.is_zero()), "{checked:?}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_name_nobody_are_known_before() {
    let service = Service::answering(|_, _| Answer::Text("hello".to_owned()));
    let by = Recognition::answers(ByField::new("x-pid"));
    let trial = service.trial(busy(), |_| Fate::Moves).recognise_by(by);
    let error = trial.check().await.unwrap_err();
    assert!(matches!(error, CheckError::Unnamed), "{error}");
    trial.clone().times(0).check().await.expect("without a restart nobody needs to be told apart");
    trial.clone().recognise_by(Recognition::Off).check().await.unwrap();
    trial.recognise_by(Recognition::Auto).check().await.expect("this process is seen by `/proc`");
}
