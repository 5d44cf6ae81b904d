//! The side that gives: every event in every state as a table, and what goes in a frame.

use rekindle_core::{
    DESCRIPTORS_PER_FRAME, FRAME_LIMIT_BYTES, MOVE_LIMIT_BYTES, MOVE_WINDOW, Message, MoveAction,
    MoveRefusal, MovedEntry, Moves, Receiver, TEXT_LIMIT_BYTES, Text, Then, encode,
};

use crate::{batch, entry, http, receiver, turn};

const STATES: [&str; 5] = ["closed", "expecting", "open", "waiting", "sent"];

/// What each event does in each state. `-` is nothing at all.
const TABLE: &str = "
              closed       expecting open        waiting     sent
hand-over     no-successor -         send        send        -
unasked       no-successor -         not-asked   send+not-asked not-asked
too-large     no-successor too-large too-large   send+too-large too-large
expect        -            -         -           -           -
open          -            -         -           send        -
open-nothing  -            -         -           not-asked   -
close         -            -         -           no-successor no-successor
cut           -            -         -           no-successor lost
taken         -            -         -           send        gone
refused       -            -         -           send        refused
taken-other   -            -         -           send        -
send-again    -            -         answer      answer+send answer+send
keep          -            -         answer      answer+send answer+refused
";

fn in_state(state: &str) -> Moves<&'static str> {
    let mut moves = Moves::new();
    match state {
        "closed" => {}
        "expecting" => moves.expect(),
        "open" | "waiting" | "sent" => moves.open(vec![http()]),
        other => panic!("no state `{other}`"),
    }
    match state {
        "waiting" => moves.hand_over("a", entry(1)),
        "sent" => {
            moves.hand_over("a", entry(1));
            assert_eq!(moves.poll_message().as_ref().map(batch), Some((0, 1)));
        }
        _ => {}
    }
    moves
}

fn happen(moves: &mut Moves<&'static str>, event: &str) {
    match event {
        "hand-over" => moves.hand_over("b", entry(1)),
        "unasked" => moves.hand_over("b", MovedEntry { receiver: receiver("other"), ..entry(1) }),
        "too-large" => moves.hand_over("b", entry(MOVE_LIMIT_BYTES + 1)),
        "expect" => moves.expect(),
        "open" => moves.open(vec![http()]),
        "open-nothing" => moves.open(vec![]),
        "close" => moves.close(),
        "cut" => moves.cut(),
        "taken" => moves.taken(0, &[]),
        "refused" => moves.taken(0, &[0]),
        "taken-other" => moves.taken(1, &[]),
        "send-again" => moves.recall(turn(1), Then::SendAgain),
        "keep" => moves.recall(turn(1), Then::Keep),
        other => panic!("no event `{other}`"),
    }
}

/// What is to be done, in words: messages first, as they come first.
fn observe(moves: &mut Moves<&'static str>) -> String {
    let mut words = Vec::new();
    while let Some(message) = moves.poll_message() {
        words.push(match message {
            Message::Moved { .. } => "send",
            Message::Recalled { turn: answered } if answered == turn(1) => "answer",
            other => panic!("no word for {other:?}"),
        });
    }
    while let Some(action) = moves.poll_action() {
        words.push(match action {
            MoveAction::Gone("a") => "gone",
            MoveAction::Lost("a") => "lost",
            MoveAction::GivenBack(_, _, MoveRefusal::NoSuccessor) => "no-successor",
            MoveAction::GivenBack("a" | "b", _, MoveRefusal::NotAskedFor) => "not-asked",
            MoveAction::GivenBack("a", entry, MoveRefusal::Refused) => {
                assert_eq!(entry, crate::entry(1), "with what should have gone along");
                "refused"
            }
            MoveAction::GivenBack("b", _, MoveRefusal::TooLarge { .. }) => "too-large",
            other => panic!("no word for {other:?}"),
        });
    }
    if words.is_empty() { "-".to_owned() } else { words.join("+") }
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
            let mut moves = in_state(state);
            happen(&mut moves, event);
            assert_eq!(observe(&mut moves), expected, "`{event}` in `{state}`");
        }
    }
}

#[test]
fn what_waits_for_a_successor_goes_when_it_serves_or_comes_back() {
    let mut moves = in_state("expecting");
    moves.hand_over("a", entry(1));
    moves.hand_over("b", MovedEntry { receiver: receiver("other"), ..entry(1) });
    assert_eq!(observe(&mut moves), "-");
    moves.open(vec![http()]);
    assert_eq!(observe(&mut moves), "send+not-asked");
    let mut moves = in_state("expecting");
    moves.hand_over("a", entry(1));
    moves.close();
    assert_eq!(observe(&mut moves), "no-successor");
}

#[test]
fn what_is_kept_is_given_back_once_its_reader_is_told_or_is_gone() {
    let given_back = |refusal| Some(MoveAction::GivenBack("a", entry(1), refusal));
    let mut moves = in_state("sent");
    moves.recall(turn(1), Then::Keep);
    assert_eq!(moves.poll_action(), None, "its reader takes it if this process dies now");
    assert_eq!(moves.poll_message(), Some(Message::Recalled { turn: turn(1) }));
    assert_eq!(moves.poll_action(), given_back(MoveRefusal::Refused));
    let mut moves = in_state("sent");
    moves.recall(turn(1), Then::Keep);
    moves.close();
    assert_eq!(moves.poll_action(), given_back(MoveRefusal::NoSuccessor));
    assert_eq!(observe(&mut moves), "-");
    let mut moves = in_state("sent");
    moves.recall(turn(1), Then::Keep);
    moves.cut();
    assert_eq!(observe(&mut moves), "lost", "its reader was not told");
}

#[test]
fn a_recall_that_comes_twice_is_answered_once() {
    let mut moves = in_state("sent");
    moves.recall(turn(1), Then::SendAgain);
    assert_eq!(observe(&mut moves), "answer+send");
    moves.recall(turn(1), Then::SendAgain);
    assert_eq!(observe(&mut moves), "-");
    moves.recall(turn(2), Then::SendAgain);
    assert_eq!(moves.poll_message(), Some(Message::Recalled { turn: turn(2) }));
}

#[test]
fn what_is_sent_again_has_a_new_number_and_goes_first() {
    let mut moves = in_state("sent");
    moves.recall(turn(1), Then::SendAgain);
    moves.hand_over("b", entry(1));
    moves.poll_message();
    let again = moves.poll_message().expect("it is sent again");
    assert_eq!(batch(&again), (1, 2));
    assert_eq!(moves.batch(&again).copied().collect::<Vec<_>>(), ["a", "b"]);
    moves.taken(0, &[]);
    assert_eq!(moves.poll_action(), None, "nobody can have taken it as that");
    moves.taken(1, &[]);
    assert_eq!(moves.poll_action(), Some(MoveAction::Gone("a")));
    assert_eq!(moves.moved(), 2);
}

#[test]
fn no_more_is_sent_than_fits_in_the_window_until_some_is_taken() {
    let mut moves = Moves::new();
    moves.open(vec![http()]);
    (0..MOVE_WINDOW + DESCRIPTORS_PER_FRAME).for_each(|number| moves.hand_over(number, entry(1)));
    let sent: Vec<_> = std::iter::from_fn(|| moves.poll_message()).collect();
    let counts: Vec<usize> = sent.iter().map(|message| batch(message).1).collect();
    assert_eq!(counts, [DESCRIPTORS_PER_FRAME; 4]);
    assert_eq!(counts.iter().sum::<usize>(), MOVE_WINDOW);
    moves.taken(2, &[7]);
    assert_eq!(moves.poll_message().as_ref().map(batch), Some((4, DESCRIPTORS_PER_FRAME)));
}

#[test]
fn entries_as_large_as_they_can_be_fit_in_their_frames() {
    let name = "n".repeat(255).parse().expect("a good name");
    let longest = Receiver { name, protocol: Text::from("p".repeat(TEXT_LIMIT_BYTES)) };
    let mut moves = Moves::new();
    moves.open(vec![longest.clone()]);
    let large = MovedEntry { receiver: longest, ..entry(MOVE_LIMIT_BYTES) };
    let small = MovedEntry { bytes: vec![1], ..large.clone() };
    for number in 0..100 {
        moves.hand_over(number, if number % 10 == 0 { large.clone() } else { small.clone() });
    }
    let mut sent = 0;
    while let Some(message) = moves.poll_message() {
        let frame = encode(&message).expect("it fits in a frame");
        assert!(frame.len() <= FRAME_LIMIT_BYTES);
        let (number, count) = batch(&message);
        moves.taken(number, &[]);
        sent += count;
    }
    assert_eq!(sent, 100);
}
