//! The old side of an upgrade as one table of events × states, and what the table cannot say:
//! the exact words, the times, and the order of things.

use std::time::Duration;

use rekindle_core::{
    Confirmation, Generation, Instant, Message, OldAction, OldEvent, OldSide, Phase, Reason,
    SpawnFailure, Terms, Text, Verdict, VersionRange,
};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const PROBATION: Duration = Duration::from_secs(10);
const TAKE_OVER: Duration = Duration::from_secs(5);
const EXIT_GRACE: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(50);
const OFFERED: u32 = 3;

/// The states, as columns of the table.
const STATES: [&str; 12] = [
    "spawn",
    "retry",
    "greet",
    "start",
    "commit",
    "probation",
    "met",
    "metstart",
    "metcommit",
    "ending",
    "killed",
    "ended",
];

/// What each event does in each state. `-` is nothing at all; every other word stands for a new
/// condition and the very actions that go with it, see [`observe`].
const TABLE: &str = "
             spawn retry greet start  commit probation met   metstart metcommit ending killed ended
spawned      greet greet -     -      -      -         -     -        -         -      -      -
text-busy    retry -     -     -      -      -         -     -        -         -      -      -
not-started  over  over  -     -      -      -         -     -        -         -      -      -
hook-refused over  over  -     -      -      -         -     -        -         -      -      -
hello        -     -     offer kill   -      -         offer told     -         -      -      -
hello-v9     -     -     grace kill   -      -         told  told     -         -      -      -
ready        -     -     kill  commit -      -         told  commit   -         -      -      -
ready-bad    -     -     kill  kill   -      -         told  told     -         -      -      -
failed       -     -     grace grace  -      -         told  told     -         -      -      -
serving      -     -     kill  kill   probe  -         told  told     probe     -      -      -
confirmed    -     -     kill  kill   done   done      told  told     done      -      -      -
other        -     -     kill  kill   -      -         told  told     -         -      -      -
garbage      -     -     kill  kill   -      -         told  told     -         -      -      -
end-of-file  over  over  wait  wait   undo   undo      over  over     back      -      -      -
exited       over  over  over  over   back   back      over  over     back      over   over   -
cancel       over  over  grace grace  done   done      told  told     done      -      -      -
time         over  again kill  kill   revert done      told  told     back-told kill-  -      -
";

fn at(millis: u64) -> Instant {
    Instant::after_epoch(Duration::from_millis(millis))
}

const START: Instant = Instant::EPOCH;

fn terms() -> Terms {
    Terms {
        start_timeout: START_TIMEOUT,
        probation: PROBATION,
        versions: VersionRange::new(1, 2),
        pid: 100,
        generation: Generation::new(7),
        offered: OFFERED,
    }
}

fn hello(version: u16) -> OldEvent {
    OldEvent::Message(Message::Hello {
        versions: VersionRange::new(version, version),
        pid: 200,
        build: Text::from("two"),
    })
}

fn ready(claimed: &[u32]) -> OldEvent {
    OldEvent::Message(Message::Ready { claimed: claimed.to_vec() })
}

fn exited() -> OldEvent {
    OldEvent::Exited(Text::from("exited with status 3"))
}

fn busy() -> OldEvent {
    OldEvent::SpawnFailed(SpawnFailure::TextBusy(Text::from("text file busy")))
}

fn actions(side: &mut OldSide) -> Vec<OldAction> {
    std::iter::from_fn(|| side.poll_action()).collect()
}

/// A side to which all of this happened at once.
fn after(mut side: OldSide, events: impl IntoIterator<Item = OldEvent>) -> OldSide {
    for event in events {
        side.handle(START, event);
    }
    actions(&mut side);
    side
}

fn in_state(state: &str) -> OldSide {
    let serving = || OldEvent::Message(Message::Serving);
    let claim = || ready(&[0]);
    let spawn = |events: Vec<OldEvent>| after(OldSide::spawn(START, terms()), events);
    let meet = |events: Vec<OldEvent>| after(OldSide::met(START, terms()), events);
    let spawned = OldEvent::Spawned;
    match state {
        "spawn" => spawn(vec![]),
        "retry" => spawn(vec![busy()]),
        "greet" => spawn(vec![spawned]),
        "start" => spawn(vec![spawned, hello(1)]),
        "commit" => spawn(vec![spawned, hello(1), claim()]),
        "probation" => spawn(vec![spawned, hello(1), claim(), serving()]),
        "met" => meet(vec![]),
        "metstart" => meet(vec![hello(1)]),
        "metcommit" => meet(vec![hello(1), claim()]),
        "ending" => spawn(vec![spawned, hello(1), OldEvent::EndOfFile]),
        "killed" => spawn(vec![spawned, hello(1), OldEvent::Garbage(Text::from("?"))]),
        "ended" => spawn(vec![spawned, hello(1), exited()]),
        other => panic!("no state `{other}`"),
    }
}

fn happen(side: &mut OldSide, event: &str) {
    let message = OldEvent::Message;
    let event = match event {
        "spawned" => OldEvent::Spawned,
        "text-busy" => busy(),
        "not-started" => OldEvent::SpawnFailed(SpawnFailure::Final(Text::from("no such file"))),
        "hook-refused" => OldEvent::HookRefused(Text::from("not now")),
        "hello" => hello(1),
        "hello-v9" => hello(9),
        "ready" => ready(&[0, 2]),
        "ready-bad" => ready(&[0, OFFERED]),
        "failed" => message(Message::Failed { words: Text::from("no memory") }),
        "serving" => message(Message::Serving),
        "confirmed" => message(Message::Confirmed),
        "other" => message(Message::Commit),
        "garbage" => OldEvent::Garbage(Text::from("not CBOR")),
        "end-of-file" => OldEvent::EndOfFile,
        "exited" => exited(),
        "cancel" => OldEvent::Cancel,
        "time" => {
            let due = side.poll_timeout().unwrap_or(START + Duration::MAX);
            return side.tick(due);
        }
        other => panic!("no event `{other}`"),
    };
    side.handle(START, event);
}

/// What can be seen of a side: its phase, its deadline, its verdict.
type Sight = (Option<Phase>, Option<Instant>, Option<Verdict>);

fn sight(side: &OldSide) -> Sight {
    (side.phase(), side.poll_timeout(), side.verdict().cloned())
}

/// The table's word for what happened to a side that was in `before`.
fn observe(side: &mut OldSide, before: Sight) -> &'static str {
    use OldAction::{Enter, Kill, Resume, Send, SendOffer, Spawn, StopAccepting};
    let seen = actions(side);
    let verdict = side.verdict().map(Verdict::as_str);
    let ending = side.phase().is_none() && verdict.is_none();
    let timeout = side.poll_timeout();
    match (seen.as_slice(), verdict) {
        ([], _) if sight(side) == before => "-",
        ([], None) if timeout == Some(START + RETRY) => "retry",
        ([], None) if ending && timeout == Some(START + EXIT_GRACE) => "wait",
        ([], Some("aborted")) if before.2.is_none() => "over",
        ([], Some("committed")) if before.2.is_none() => "done",
        ([Spawn], None) if side.phase() == Some(Phase::Spawning) => "again",
        ([Enter(Phase::Greeting)], None) => "greet",
        ([Send(Message::Welcome { .. }), SendOffer, Enter(Phase::Starting)], None) => "offer",
        ([StopAccepting { claimed }, Send(Message::Commit), Enter(Phase::Committing)], None)
            if *claimed == [0, 2] =>
        {
            "commit"
        }
        ([Enter(Phase::Probation)], None) => "probe",
        ([Send(Message::Refused { .. })], None) if timeout == Some(START + EXIT_GRACE) => "grace",
        ([Send(Message::Refused { .. }), Kill], None) if ending && timeout.is_none() => "kill",
        ([Kill], None) if ending && timeout.is_none() => "kill-",
        ([Send(Message::Refused { .. })], Some("aborted")) => "told",
        ([Resume], None) if ending && timeout == Some(START + EXIT_GRACE) => "undo",
        ([Resume], Some("rolled-back")) => "back",
        ([Resume, Send(Message::Refused { .. })], Some("rolled-back")) => "back-told",
        ([Resume, Send(Message::Refused { .. }), Kill], None) if ending => "revert",
        _ => panic!("no word for {seen:?}, {verdict:?}, {:?}", side.phase()),
    }
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    let mut lines = TABLE.lines().skip(1);
    let header: Vec<&str> = lines.next().expect("a header").split_whitespace().collect();
    assert_eq!(header, STATES);
    for line in lines {
        let mut words = line.split_whitespace();
        let event = words.next().expect("an event");
        let cells: Vec<&str> = words.collect();
        assert_eq!(cells.len(), STATES.len(), "cells of `{event}`");
        for (state, expected) in STATES.into_iter().zip(cells) {
            let mut side = in_state(state);
            let before = sight(&side);
            happen(&mut side, event);
            assert_eq!(observe(&mut side, before), expected, "`{event}` in `{state}`");
        }
    }
}

#[test]
fn an_upgrade_commits_after_its_probation() {
    let mut side = OldSide::spawn(START, terms());
    assert_eq!(actions(&mut side), [OldAction::Enter(Phase::Spawning), OldAction::Spawn]);
    side.handle(at(10), OldEvent::Spawned);
    side.handle(at(20), hello(2));
    let welcome = Message::Welcome {
        version: 2,
        generation: Generation::new(7),
        pid: 100,
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
    assert_eq!(actions(&mut side), [OldAction::Resume, OldAction::Send(refused), OldAction::Kill]);
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
