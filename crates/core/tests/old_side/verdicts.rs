//! The exact words: what is sent, in which order, and what the verdict says.

use rekindle_core::{
    Confirmation, Generation, Message, OldAction, OldEvent, OldSide, Phase, RECEIVER_LIMIT, Reason,
    Receiver, Text, Verdict, VersionRange,
};

use crate::states::{
    PROBATION, START, TAKE_OVER, actions, after, at, exited, happen, hello, http, in_state, ready,
    terms,
};

#[test]
fn an_upgrade_commits_after_its_probation() {
    let mut side = OldSide::spawn(START, terms());
    assert_eq!(actions(&mut side), [OldAction::Enter(Phase::Spawning), OldAction::Spawn]);
    side.handle(at(10), OldEvent::Spawned);
    side.handle(at(20), hello(2));
    let welcome = Message::Welcome {
        version: 2,
        generation: Generation::new(7),
        old_pid: 100,
        old_generation: Generation::new(6),
        start_timeout_ms: 59_980,
    };
    assert_eq!(
        actions(&mut side),
        [
            OldAction::Enter(Phase::Greeting),
            OldAction::Send(welcome),
            OldAction::SendOffer,
            OldAction::Enter(Phase::Starting),
        ]
    );
    side.handle(at(30), ready(&[2, 0]));
    let claimed = vec![0, 2];
    assert_eq!(
        actions(&mut side),
        [
            OldAction::StopAccepting { claimed },
            OldAction::Send(Message::Commit),
            OldAction::Enter(Phase::Committing),
        ],
        "it stops accepting before the new one is told to begin"
    );
    assert_eq!(side.poll_timeout(), Some(at(30) + TAKE_OVER));
    side.handle(at(40), OldEvent::Message(Message::Serving));
    assert_eq!(side.poll_timeout(), Some(at(40) + PROBATION));
    side.tick(at(10_039));
    assert_eq!(side.verdict(), None);
    side.tick(at(10_040));
    assert_eq!(side.verdict(), Some(&Verdict::Committed(Confirmation::Probation)));
    assert_eq!(side.poll_timeout(), None);
}

#[test]
fn a_verdict_says_the_phase_and_the_reason() {
    let stopping = Reason::Stopping;
    let exit = Reason::Exited { status: Text::from("exited with status 3") };
    let no_file = Reason::NotStarted { error: Text::from("no such file") };
    let hook = Reason::HookRefused { words: Text::from("not now") };
    let table = [
        ("spawn", "cancel", Phase::Spawning, stopping),
        ("spawn", "not-started", Phase::Spawning, no_file),
        ("retry", "hook-refused", Phase::Spawning, hook),
        ("greet", "exited", Phase::Greeting, exit.clone()),
        ("start", "exited", Phase::Starting, exit.clone()),
        ("met", "end-of-file", Phase::Greeting, Reason::ChannelClosed),
        ("metstart", "end-of-file", Phase::Starting, Reason::ChannelClosed),
        ("metstart", "failed", Phase::Starting, Reason::Failed { words: Text::from("no memory") }),
        ("met", "other", Phase::Greeting, Reason::OutOfTurn { message: Text::from("Commit") }),
        ("met", "garbage", Phase::Greeting, Reason::Garbage { error: Text::from("not CBOR") }),
        (
            "met",
            "hello-v9",
            Phase::Greeting,
            Reason::NoCommonVersion { old: VersionRange::new(1, 2), new: VersionRange::new(9, 9) },
        ),
        ("metstart", "time", Phase::Starting, Reason::StartTimeout { timeout_ms: 60_000 }),
    ];
    for (state, event, phase, reason) in table {
        let mut side = in_state(state);
        happen(&mut side, event);
        let expected = Verdict::Aborted { phase, reason };
        assert_eq!(side.verdict(), Some(&expected), "`{event}` in `{state}`");
    }
    for state in ["commit", "probation"] {
        let side = after(in_state(state), [exited()]);
        let reason = exit.clone();
        assert_eq!(side.verdict(), Some(&Verdict::RolledBack { reason }));
    }
}

#[test]
fn whoever_is_refused_is_told_the_reason_of_the_verdict() {
    for event in ["hello-v9", "failed", "garbage", "other", "cancel", "time"] {
        let mut side = in_state("met");
        happen(&mut side, event);
        let told = actions(&mut side);
        let reason = side.verdict().and_then(Verdict::reason).cloned();
        let [OldAction::Send(Message::Refused { reason: refused })] = told.as_slice() else {
            panic!("after `{event}`: {told:?}");
        };
        assert_eq!(Some(refused.clone()), reason, "after `{event}`");
    }
}

#[test]
fn how_a_child_ended_says_more_than_that_its_channel_closed() {
    for (state, rolled_back) in [("start", false), ("commit", true), ("probation", true)] {
        let side = after(in_state(state), [OldEvent::EndOfFile]);
        assert_eq!(side.verdict(), None, "a child is reaped before the verdict");
        let side = after(side, [exited()]);
        let verdict = side.verdict().expect("it was reaped");
        let status = Text::from("exited with status 3");
        assert_eq!(verdict.reason(), Some(&Reason::Exited { status }), "in `{state}`");
        assert_eq!(verdict.as_str() == "rolled-back", rolled_back, "in `{state}`");
    }
}

#[test]
fn any_other_cause_stays_when_the_child_ends() {
    for event in ["failed", "garbage", "cancel", "time"] {
        let mut side = in_state("start");
        happen(&mut side, event);
        let [OldAction::Send(Message::Refused { reason }), ..] = &actions(&mut side)[..] else {
            panic!("`{event}` was not told");
        };
        let side = after(side, [exited()]);
        assert_eq!(side.verdict().and_then(Verdict::reason), Some(reason), "after `{event}`");
    }
}

#[test]
fn a_commit_says_what_confirmed_it() {
    for state in ["commit", "probation", "metcommit"] {
        let confirmed = OldEvent::Message(Message::Confirmed);
        let side = after(in_state(state), [confirmed]);
        assert_eq!(side.verdict(), Some(&Verdict::Committed(Confirmation::Successor)));
        let side = after(in_state(state), [OldEvent::Cancel]);
        assert_eq!(side.verdict(), Some(&Verdict::Committed(Confirmation::OldStopped)));
    }
}

#[test]
fn only_what_was_offered_can_be_claimed_and_only_once() {
    let table: [(&[u32], bool); 7] = [
        (&[], true),
        (&[0], true),
        (&[2, 1, 0], true),
        (&[3], false),
        (&[0, u32::MAX], false),
        (&[1, 1], false),
        (&[0, 1, 2, 0], false),
    ];
    for (claimed, good) in table {
        let mut side = in_state("metstart");
        side.handle(START, ready(claimed));
        let seen = actions(&mut side);
        if good {
            let mut sorted = claimed.to_vec();
            sorted.sort_unstable();
            assert_eq!(seen[0], OldAction::StopAccepting { claimed: sorted });
        } else {
            let reason = side.verdict().and_then(Verdict::reason).map(Reason::code);
            assert_eq!(reason, Some("garbage"), "{claimed:?}");
        }
    }
}

#[test]
fn connections_move_once_the_new_one_serves_and_to_what_it_asked_for() {
    let takes = |number: usize| {
        let name = format!("listener-{number}").parse().expect("a good name");
        let receivers = vec![Receiver { name, ..http() }];
        OldEvent::Message(Message::Takes { receivers })
    };
    let mut side = after(in_state("start"), [takes(0), takes(1), ready(&[0])]);
    side.handle(START, OldEvent::Message(Message::Serving));
    let seen = actions(&mut side);
    let [OldAction::Send(Message::Heard), OldAction::OpenMoves { receivers }, _] = &seen[..] else {
        panic!("{seen:?}");
    };
    let names: Vec<_> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    assert_eq!(names, ["listener-0", "listener-1"]);
    let mut side = after(side, [OldEvent::Message(Message::Serving)]);
    side.handle(START, OldEvent::EndOfFile);
    assert_eq!(actions(&mut side), [OldAction::CloseMoves, OldAction::Resume]);
}

#[test]
fn whoever_asks_for_more_connections_than_there_can_be_is_out_of_turn() {
    let receivers = vec![http(); RECEIVER_LIMIT];
    let takes = || OldEvent::Message(Message::Takes { receivers: receivers.clone() });
    let mut side = after(in_state("metstart"), [takes()]);
    assert_eq!(side.verdict(), None);
    side.handle(START, takes());
    let reason = side.verdict().and_then(Verdict::reason).map(Reason::code);
    assert_eq!(reason, Some("out-of-turn"));
}
