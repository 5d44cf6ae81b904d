//! The side that takes, by itself.

use rekindle_core::{Generation, Intake, Message, Then, Turn};

use crate::turn;

const READER: Generation = Generation::new(5);

fn open() -> Intake<&'static str> {
    Intake::open(READER)
}

/// Tells the elder all there is to tell, and returns what is taken by that.
fn tell(intake: &mut Intake<&'static str>) -> (Vec<Message>, Vec<&'static str>) {
    let (mut words, mut taken) = (Vec::new(), Vec::new());
    while let Some(word) = intake.word() {
        words.push(word);
        taken.extend(intake.told());
    }
    (words, taken)
}

fn taken(batch: u64, refused: &[u32]) -> Message {
    Message::Taken { batch, refused: refused.to_vec() }
}

#[test]
fn what_comes_is_taken_once_the_elder_was_told() {
    let mut intake = open();
    intake.moved(0, vec!["a", "b"], vec![1]);
    assert_eq!(intake.word(), Some(taken(0, &[1])));
    assert_eq!(intake.word(), Some(taken(0, &[1])), "until it is sent");
    assert_eq!(intake.told(), ["a", "b"]);
    assert_eq!(tell(&mut intake), (vec![], vec![]));
    intake.moved(0, vec!["a", "b"], vec![]);
    assert_eq!(tell(&mut intake), (vec![], vec![]), "it came twice");
}

#[test]
fn what_came_before_the_answer_to_a_recall_is_the_elders() {
    let mut intake = Intake::shut(READER);
    intake.moved(0, vec!["a"], vec![]);
    assert_eq!(intake.begin(), Message::Recall { turn: turn(1), then: Then::SendAgain });
    intake.moved(1, vec!["b"], vec![]);
    intake.recalled(Turn { reader: Generation::new(4), number: 1 });
    intake.moved(2, vec!["c"], vec![]);
    assert_eq!(tell(&mut intake), (vec![], vec![]), "somebody else was answered");
    intake.recalled(turn(1));
    assert_eq!(tell(&mut intake), (vec![], vec![]));
    intake.moved(3, vec!["b"], vec![]);
    assert_eq!(tell(&mut intake), (vec![taken(3, &[])], vec!["b"]));
}

#[test]
fn what_was_not_told_is_recalled_when_a_frame_is_lost() {
    let mut intake = open();
    intake.moved(0, vec!["a"], vec![]);
    assert_eq!(intake.lost(), Some(Message::Recall { turn: turn(1), then: Then::Keep }));
    assert_eq!(intake.word(), None, "it is not taken any more");
    let again = Message::Recall { turn: turn(2), then: Then::Keep };
    assert_eq!(intake.lost(), Some(again), "it may have been the answer");
    intake.recalled(turn(1));
    intake.moved(1, vec!["b"], vec![]);
    assert_eq!(tell(&mut intake), (vec![], vec![]));
    intake.recalled(turn(2));
    intake.moved(2, vec!["b"], vec![]);
    assert_eq!(tell(&mut intake), (vec![taken(2, &[])], vec!["b"]));
}

#[test]
fn another_reader_leaves_nothing_behind() {
    let mut intake = open();
    intake.moved(0, vec!["a"], vec![]);
    intake.leave();
    assert_eq!(tell(&mut intake), (vec![], vec![]));
    assert_eq!(intake.lost(), None, "what is lost is lost to another one");
    assert_eq!(intake.end_of_file(), Vec::<&str>::new());
}

#[test]
fn what_an_elder_sent_last_is_taken_when_it_is_gone() {
    let mut intake = open();
    intake.moved(0, vec!["a"], vec![]);
    intake.moved(1, vec!["b"], vec![]);
    assert_eq!(intake.told(), ["a"]);
    assert_eq!(intake.end_of_file(), ["b"]);
    let mut intake = Intake::shut(READER);
    intake.begin();
    intake.moved(0, vec!["a"], vec![]);
    assert_eq!(intake.end_of_file(), ["a"], "nobody answers any more, so nobody has it");
    let mut intake = Intake::shut(READER);
    intake.begin();
    intake.moved(0, vec!["a"], vec![]);
    intake.recalled(turn(1));
    assert_eq!(intake.end_of_file(), Vec::<&str>::new(), "it answered, and has died with it");
}

#[test]
fn what_came_before_another_readers_answer_is_the_elders_even_if_it_dies() {
    let another = Turn { reader: Generation::new(4), number: 1 };
    let mut intake = Intake::shut(READER);
    intake.begin();
    intake.moved(0, vec!["a"], vec![]);
    intake.recalled(another);
    intake.moved(1, vec!["b"], vec![]);
    assert_eq!(intake.end_of_file(), ["b"], "`a` was sent again, or stays");
    let mut intake = open();
    intake.moved(0, vec!["a"], vec![]);
    intake.recalled(another);
    assert_eq!(intake.word(), None);
    intake.moved(1, vec!["b"], vec![]);
    assert_eq!(intake.end_of_file(), ["b"]);
}
