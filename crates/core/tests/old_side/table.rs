//! The old side of an upgrade as one table of events × states.

use rekindle_core::{Instant, Message, OldAction, OldSide, Phase, Verdict};

use crate::states::{EXIT_GRACE, RETRY, START, STATES, actions, happen, in_state};

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
confirmed    -     -     kill  kill   open   done      told  told     open      -      -      -
other        -     -     kill  kill   -      -         told  told     -         -      -      -
garbage      -     -     kill  kill   -      -         told  told     -         -      -      -
end-of-file  over  over  wait  wait   undo   undo      over  over     back      -      -      -
exited       over  over  over  over   back   back      over  over     back      over   over   -
cancel       over  over  grace grace  open   done      told  told     open      -      -      -
time         over  again kill  kill   revert done      told  told     back-told kill-  -      -
takes        -     -     kill  -      -      -         told  -        -         -      -      -
no-offer     -     -     -     grace  -      -         -     told     -         -      -      -
";

/// What can be seen of a side: its phase, its deadline, its verdict.
type Sight = (Option<Phase>, Option<Instant>, Option<Verdict>);

fn sight(side: &OldSide) -> Sight {
    (side.phase(), side.poll_timeout(), side.verdict().cloned())
}

/// The table's word for what happened to a side that was in `before`.
fn observe(side: &mut OldSide, before: Sight) -> &'static str {
    use OldAction::{
        CloseMoves, Enter, Kill, OpenMoves, Resume, Send, SendOffer, Spawn, StopAccepting,
    };
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
        ([Send(Message::Heard), OpenMoves { .. }, Enter(Phase::Probation)], None) => "probe",
        ([Send(Message::Heard), OpenMoves { .. }], Some("committed")) => "open",
        ([Send(Message::Refused { .. })], None) if timeout == Some(START + EXIT_GRACE) => "grace",
        ([Send(Message::Refused { .. }), Kill], None) if ending && timeout.is_none() => "kill",
        ([Kill], None) if ending && timeout.is_none() => "kill-",
        ([Send(Message::Refused { .. })], Some("aborted")) => "told",
        ([CloseMoves, Resume], None) if ending && timeout == Some(START + EXIT_GRACE) => "undo",
        ([CloseMoves, Resume], Some("rolled-back")) => "back",
        ([CloseMoves, Resume, Send(Message::Refused { .. })], Some("rolled-back")) => "back-told",
        ([CloseMoves, Resume, Send(Message::Refused { .. }), Kill], None) if ending => "revert",
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
