//! How a drain ends, and who is told of it.

use std::time::Duration;

use rekindle_core::{
    Action, DrainEnd, DrainReport, Event, HammerCause, Life, LifePhase, Message, OldAction,
    OldEvent, Refusal, Settings, Tally,
};

use crate::states::{
    START, actions, at, began, exited, feed, happen, hello, in_state, message, newborn, ready,
};

#[test]
fn the_report_says_how_the_drain_ended() {
    let report = |life: &mut Life| {
        actions(life).into_iter().find_map(|action| match action {
            Action::Finish(report) => Some(report),
            _ => None,
        })
    };
    let hammered = |cause| DrainEnd::Hammered(cause);
    for (event, end, cut) in [
        ("drained", DrainEnd::Drained, 0),
        ("hammer", hammered(HammerCause::Operator), 2),
        ("hammered", hammered(HammerCause::Newer), 2),
    ] {
        let mut life = in_state("replaced");
        happen(&mut life, event).expect("it drains");
        let took = Duration::ZERO;
        let expected = DrainReport { end, at_start: 2, cut, rested: 0, moved: 0, took };
        assert_eq!(report(&mut life), Some(expected), "after `{event}`");
    }
    let mut life = in_state("stopping");
    life.tick(at(59_999));
    assert_eq!(report(&mut life), None);
    life.tick(at(60_000));
    let deadline = report(&mut life).expect("its time is over");
    assert_eq!(deadline.end, hammered(HammerCause::Deadline));
    assert_eq!(deadline.took, Duration::from_secs(60));
}

#[test]
fn what_came_in_probation_on_a_listener_that_was_not_claimed_is_finished() {
    let mut life = in_state("probation");
    life.handle(START, Event::InFlight(Tally::of(0)));
    let confirmed = at(5_000);
    life.handle(confirmed, message(Message::Confirmed));
    life.handle(confirmed, Event::InFlight(Tally::of(1)));
    assert!(matches!(life.phase(), LifePhase::Leaving(_)), "it has something to finish");
    actions(&mut life);
    life.handle(at(6_000), Event::InFlight(Tally::of(0)));
    let took = Duration::from_secs(1);
    // Two were in flight at the commit, and one more when the last listeners ended.
    let report =
        DrainReport { end: DrainEnd::Drained, at_start: 2 + 1, cut: 0, rested: 0, moved: 0, took };
    assert!(actions(&mut life).contains(&Action::Finish(report)));
    assert_eq!(life.phase(), LifePhase::Ended);
}

#[test]
fn what_drains_in_probation_is_cut_at_its_deadline_and_the_process_stays_able_to_resume() {
    let settings = Settings { drain_timeout: Duration::from_secs(1), ..Settings::default() };
    let mut life = newborn(settings);
    let spawned = Event::Upgrade(OldEvent::Spawned);
    feed(&mut life, [began(1, None, &[])]);
    life.upgrade(START).expect("it serves");
    feed(
        &mut life,
        [spawned, hello(), ready(), Event::InFlight(Tally::of(2)), message(Message::Serving)],
    );
    actions(&mut life);
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Cut]);
    assert_eq!(life.phase(), LifePhase::Draining);
    assert_eq!(life.hammer(at(1_000)), Err(Refusal::NothingDrains), "it was hammered already");
    life.handle(at(2_000), exited());
    assert_eq!(life.phase(), LifePhase::Serving);
    assert!(actions(&mut life).contains(&Action::Upgrade(OldAction::Resume)));
}

#[test]
fn the_newest_is_told_of_the_drain_now_and_then_and_of_its_end_at_once() {
    let mut life = in_state("probation");
    let told = |life: &mut Life, millis, count| {
        life.tick(at(millis));
        life.handle(at(millis), Event::InFlight(Tally::of(count)));
        actions(life)
    };
    let says = |count| vec![Action::Upgrade(OldAction::Send(Message::InFlight { count }))];
    assert_eq!(told(&mut life, 100, 4), []);
    assert_eq!(life.poll_timeout(), Some(at(500)));
    assert_eq!(told(&mut life, 500, 4), says(4));
    assert_eq!(told(&mut life, 1_000, 4), says(4), "the newest may be another one by now");
    assert_eq!(told(&mut life, 1_100, 3), [], "too early");
    assert_eq!(told(&mut life, 1_500, 3), says(3));
    assert_eq!(told(&mut life, 1_501, 0), says(0), "the end is said at once");
    assert_eq!(told(&mut life, 2_500, 0), [], "and once");
    assert_eq!(life.poll_timeout(), Some(at(10_000)), "and nothing is counted any more");
}

#[test]
fn a_stop_wakes_nobody_before_its_deadline() {
    let mut life = in_state("stopping");
    assert_eq!(life.poll_timeout(), Some(at(60_000)), "there is nobody to tell of its drain");
    life.tick(at(1_000));
    life.handle(at(1_000), Event::InFlight(Tally::of(1)));
    assert_eq!(actions(&mut life), []);
    assert_eq!(life.poll_timeout(), Some(at(60_000)));
}
