//! What a stop does, who is refused and why, and how an upgrade counts.

use rekindle_core::{
    Action, Confirmation, Ending, Event, Generation, Life, LifePhase, Message, OldAction, OldEvent,
    Phase, Reason, Refusal, SpawnFailure, Tally, Text, Verdict,
};

use crate::states::{
    START, actions, at, exited, feed, generation, happen, hello, in_state, message, ready, serving,
    upgrading,
};

#[test]
fn a_refusal_says_what_is_in_the_way() {
    let table = [
        ("starting", Refusal::NotReady),
        ("spawning", Refusal::UpgradeInProgress(Phase::Spawning)),
        ("greeting", Refusal::UpgradeInProgress(Phase::Greeting)),
        ("waiting", Refusal::UpgradeInProgress(Phase::Starting)),
        ("cleaning", Refusal::UpgradeEnding),
        ("committing", Refusal::Replaced(generation(6))),
        ("probation", Refusal::Replaced(generation(6))),
        ("replaced", Refusal::Replaced(generation(6))),
        ("gone", Refusal::Replaced(generation(6))),
        ("stopping", Refusal::Stopping),
        ("stopping-upgrade", Refusal::Stopping),
        ("stopped", Refusal::Stopping),
    ];
    for (state, refusal) in table {
        assert_eq!(in_state(state).upgrade(START), Err(refusal), "in `{state}`");
        assert_eq!(in_state(state).meet(START), Err(refusal), "in `{state}`");
    }
}

#[test]
fn a_status_says_what_the_process_does() {
    let upgraded = Ending::Upgraded(generation(6));
    let table = [
        ("starting", LifePhase::Starting, None),
        ("serving", LifePhase::Serving, None),
        ("spawning", LifePhase::Upgrading(Some(Phase::Spawning)), Some(6)),
        ("waiting", LifePhase::Upgrading(Some(Phase::Starting)), Some(6)),
        ("cleaning", LifePhase::Upgrading(None), Some(6)),
        ("committing", LifePhase::Draining, Some(6)),
        ("replaced", LifePhase::Leaving(upgraded), Some(6)),
        ("gone", LifePhase::Ended, None),
        ("stopping", LifePhase::Leaving(Ending::Stopped), None),
    ];
    for (state, phase, successor) in table {
        let life = in_state(state);
        assert_eq!(life.phase(), phase, "in `{state}`");
        assert_eq!(life.successor().map(Generation::number), successor, "in `{state}`");
    }
}

#[test]
fn a_stop_calls_the_upgrade_off_and_waits_for_its_child() {
    let mut life = in_state("waiting");
    life.stop(START);
    life.handle(START, Event::InFlight(Tally::of(0)));
    assert_eq!(life.phase(), LifePhase::Leaving(Ending::Stopped), "the child is not reaped yet");
    actions(&mut life);
    assert_eq!(life.poll_timeout(), Some(at(1_000)));
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Upgrade(OldAction::Kill)]);
    life.handle(at(1_001), exited());
    let (phase, reason) = (Phase::Starting, Reason::Stopping);
    let seen = actions(&mut life);
    assert_eq!(seen[0], Action::Verdict(Verdict::Aborted { phase, reason }));
    assert!(matches!(seen[1], Action::Finish(_)));
    assert_eq!(life.phase(), LifePhase::Ended);
}

#[test]
fn a_second_stop_leaves_no_child_and_no_question_behind() {
    for (kills, before) in [(1, "waiting"), (0, "cleaning")] {
        let mut life = in_state(before);
        life.stop(START);
        actions(&mut life);
        life.stop(START);
        let seen = actions(&mut life);
        let killed = seen.iter().filter(|&action| *action == Action::Upgrade(OldAction::Kill));
        assert_eq!(killed.count(), kills, "a child is killed once: {seen:?}");
        let verdicts = seen.iter().filter(|action| matches!(action, Action::Verdict(_)));
        assert_eq!(verdicts.count(), 1, "{seen:?}");
        assert!(matches!(seen.last(), Some(Action::Finish(_))));
    }
}

#[test]
fn a_second_stop_ends_the_process_within_a_second_one_way_or_the_other() {
    let mut life = in_state("hurried");
    assert_eq!(life.poll_timeout(), Some(at(1_000)));
    life.tick(at(999));
    assert_eq!(actions(&mut life), []);
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Die]);
    assert_eq!(life.poll_timeout(), None);
}

#[test]
fn one_that_was_stopped_once_takes_the_time_it_needs_to_end() {
    assert_eq!(in_state("stopped").poll_timeout(), None, "its main may run as long as it likes");
}

/// The generation that the next new process is welcomed as.
fn next_number(life: &mut Life) -> u64 {
    life.meet(START).expect("it serves");
    life.handle(START, hello());
    let welcomed = actions(life).into_iter().find_map(|action| match action {
        Action::Upgrade(OldAction::Send(Message::Welcome { generation, .. })) => Some(generation),
        _ => None,
    });
    welcomed.expect("a welcome").number()
}

#[test]
fn an_aborted_attempt_uses_up_no_number_and_a_rolled_back_one_does() {
    let mut life = serving();
    let closed = || Event::Upgrade(OldEvent::EndOfFile);
    assert_eq!(next_number(&mut life), 6);
    life.handle(START, closed());
    assert_eq!(next_number(&mut life), 6, "6 never took over");
    feed(&mut life, [ready(), closed()]);
    assert_eq!(next_number(&mut life), 7, "6 had taken over");
    feed(&mut life, [ready(), message(Message::Serving), closed()]);
    assert_eq!(next_number(&mut life), 8, "7 had taken over");
}

#[test]
fn an_attempt_that_could_not_be_started_is_over_at_once() {
    let failure = SpawnFailure::Final(Text::from("no such file"));
    let mut life = upgrading([Event::Upgrade(OldEvent::SpawnFailed(failure))]);
    assert_eq!(life.phase(), LifePhase::Serving);
    let verdicts =
        actions(&mut life).iter().filter(|action| matches!(action, Action::Verdict(_))).count();
    assert_eq!(verdicts, 1);
    assert_eq!(life.upgrade(START), Ok(()), "the next one can be tried at once");
}

#[test]
fn an_upgrade_is_committed_with_the_word_that_confirmed_it() {
    let committed = |confirmation| Action::Verdict(Verdict::Committed(confirmation));
    let mut life = in_state("probation");
    life.tick(at(10_000));
    assert!(actions(&mut life).contains(&committed(Confirmation::Probation)));
    for (event, confirmation) in
        [("confirmed", Confirmation::Successor), ("stop", Confirmation::OldStopped)]
    {
        let mut life = in_state("probation");
        happen(&mut life, event).expect("never refused");
        assert!(actions(&mut life).contains(&committed(confirmation)), "after `{event}`");
    }
}
