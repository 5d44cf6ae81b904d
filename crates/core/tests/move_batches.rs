//! How connections that move are put together: few words for many, and none left waiting.

use rekindle_core::{Message, MovedEntry, Moves, Receiver, Text};

/// How many connections fit in a frame.
const FRAME: usize = 64;

fn receiver() -> Receiver {
    Receiver { name: "http".parse().expect("a name"), protocol: Text::from("http/1.1") }
}

fn open() -> Moves<usize> {
    let mut moves = Moves::new();
    moves.open(vec![receiver()]);
    moves
}

fn hand_over(moves: &mut Moves<usize>, connections: usize) {
    for connection in 0..connections {
        moves.hand_over(connection, MovedEntry { receiver: receiver(), bytes: Vec::new() });
    }
}

/// The number and the size of the next batch.
fn next(moves: &mut Moves<usize>) -> Option<(u64, usize)> {
    match moves.poll_message()? {
        Message::Moved { batch, entries, .. } => Some((batch, entries.len())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_waits_for_nobody_and_the_next_few_go_together() {
    let mut moves = open();
    hand_over(&mut moves, 1);
    let (first, 1) = next(&mut moves).unwrap() else { panic!("one was there") };
    hand_over(&mut moves, 5);
    assert_eq!(next(&mut moves), None, "one is on its way");
    hand_over(&mut moves, 5);
    assert_eq!(next(&mut moves), None);
    moves.taken(first, &[]);
    assert_eq!(next(&mut moves).map(|(_, size)| size), Some(10));
}

#[test]
fn a_full_frame_waits_for_nobody() {
    let mut moves = open();
    hand_over(&mut moves, 1);
    assert_eq!(next(&mut moves).map(|(_, size)| size), Some(1));
    hand_over(&mut moves, FRAME + 1);
    assert_eq!(next(&mut moves).map(|(_, size)| size), Some(FRAME));
    assert_eq!(next(&mut moves), None, "the one that is left has time");
}

#[test]
fn what_waits_for_company_goes_whatever_became_of_those_before() {
    let mut moves = open();
    hand_over(&mut moves, 1);
    let (first, _) = next(&mut moves).unwrap();
    hand_over(&mut moves, 3);
    moves.taken(first, &[0]);
    assert_eq!(next(&mut moves).map(|(_, size)| size), Some(3));
}

#[test]
fn nobody_has_to_be_told_of_fewer_than_can_be_sent() {
    let mut moves = open();
    assert_eq!(moves.wanted(), 1);
    hand_over(&mut moves, 1);
    assert_eq!(moves.wanted(), 1, "it can be sent");
    let (first, 1) = next(&mut moves).unwrap() else { panic!("one was there") };
    assert_eq!(moves.wanted(), FRAME);
    hand_over(&mut moves, 5);
    assert_eq!(moves.wanted(), FRAME - 5);
    hand_over(&mut moves, FRAME);
    assert_eq!(moves.wanted(), 1);
    moves.taken(first, &[]);
    assert_eq!(moves.wanted(), 1, "nothing is on its way");
}
