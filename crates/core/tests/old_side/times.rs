//! Timeouts, retries, and the moment of a kill.

use std::time::Duration;

use rekindle_core::{
    Confirmation, Message, OldAction, OldEvent, OldSide, Phase, Reason, Terms, Text, Verdict,
};

use crate::states::{
    RETRY, START, START_TIMEOUT, TAKE_OVER, actions, after, at, busy, exited, hello, in_state,
    ready, terms,
};

#[test]
fn a_child_that_does_not_exit_by_itself_is_killed_once() {
    let mut side = in_state("ending");
    side.tick(at(999));
    assert_eq!(actions(&mut side), []);
    side.tick(at(1_000));
    assert_eq!(actions(&mut side), [OldAction::Kill]);
    side.tick(at(5_000));
    assert_eq!(actions(&mut side), []);
    assert_eq!(side.verdict(), None, "it has yet to be reaped");
}

#[test]
fn a_child_that_was_killed_failed_for_the_reason_that_it_was_killed_for() {
    let mut side = after(in_state("start"), [OldEvent::EndOfFile]);
    side.tick(at(1_000));
    assert_eq!(actions(&mut side).last(), Some(&OldAction::Kill));
    let side = after(side, [exited()]);
    let (phase, reason) = (Phase::Starting, Reason::ChannelClosed);
    assert_eq!(side.verdict(), Some(&Verdict::Aborted { phase, reason }));
}

#[test]
fn a_program_file_that_is_being_written_is_tried_forty_times() {
    let mut side = OldSide::spawn(START, terms());
    let mut spawns = 0;
    let mut now = START;
    while side.verdict().is_none() {
        spawns += actions(&mut side).iter().filter(|&action| *action == OldAction::Spawn).count();
        side.handle(now, busy());
        if let Some(due) = side.poll_timeout() {
            assert_eq!(due, now + RETRY);
            side.tick(now + (RETRY - Duration::from_millis(1)));
            assert_eq!(actions(&mut side), [], "not before its time");
            now = due;
            side.tick(now);
        }
    }
    assert_eq!(spawns, 40);
    let error = Text::from("text file busy");
    let (phase, reason) = (Phase::Spawning, Reason::NotStarted { error });
    assert_eq!(side.verdict(), Some(&Verdict::Aborted { phase, reason }));
}

#[test]
fn one_that_can_be_started_at_last_is_upgraded_to() {
    let mut side = after(OldSide::spawn(START, terms()), [busy()]);
    side.tick(START + RETRY);
    assert_eq!(actions(&mut side), [OldAction::Spawn]);
    side.handle(START + RETRY, OldEvent::Spawned);
    assert_eq!(side.phase(), Some(Phase::Greeting));
}

#[test]
fn retries_do_not_outlast_the_start_timeout() {
    let start_timeout = RETRY / 2;
    let mut side = after(OldSide::spawn(START, Terms { start_timeout, ..terms() }), [busy()]);
    assert_eq!(side.poll_timeout(), Some(START + start_timeout));
    side.tick(START + start_timeout);
    let (phase, reason) = (Phase::Spawning, Reason::StartTimeout { timeout_ms: 25 });
    assert_eq!(side.verdict(), Some(&Verdict::Aborted { phase, reason }));
}

#[test]
fn the_start_timeout_runs_from_the_request_through_every_phase_to_ready() {
    for state in ["spawn", "greet", "start", "met", "metstart"] {
        assert_eq!(in_state(state).poll_timeout(), Some(START + START_TIMEOUT), "in `{state}`");
    }
}

#[test]
fn a_new_process_that_never_says_that_it_serves_is_rolled_back() {
    let mut side = in_state("commit");
    side.tick(START + (TAKE_OVER - Duration::from_millis(1)));
    assert_eq!(actions(&mut side), []);
    side.tick(START + TAKE_OVER);
    let reason = Reason::TakeOverTimeout { timeout_ms: 5_000 };
    let refused = Message::Refused { reason: reason.clone() };
    assert_eq!(
        actions(&mut side),
        [OldAction::CloseMoves, OldAction::Resume, OldAction::Send(refused), OldAction::Kill]
    );
    let side = after(side, [exited()]);
    assert_eq!(side.verdict(), Some(&Verdict::RolledBack { reason }));
}

#[test]
fn a_probation_of_zero_is_over_at_once() {
    let probation = Duration::ZERO;
    let events = [hello(1), ready(&[0]), OldEvent::Message(Message::Serving)];
    let mut side = after(OldSide::met(START, Terms { probation, ..terms() }), events);
    assert_eq!(side.poll_timeout(), Some(START));
    side.tick(START);
    assert_eq!(side.verdict(), Some(&Verdict::Committed(Confirmation::Probation)));
}
