//! Both sides and the channel between them against a model: whatever happens, each connection is
//! in one process's hands, and is settled once.

use std::collections::{BTreeSet, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;
use rekindle_core::{Generation, Intake, MOVE_WINDOW, Message, MoveAction, Moves, decode, encode};

use crate::{entry, http};

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The program gives a connection away, with so many bytes.
    HandOver(usize),
    /// The elder sends what it may.
    Send,
    /// The newest process reads a frame.
    Read,
    /// It tells the elder one thing, as there is room.
    Tell,
    /// The elder hears one thing.
    Hear,
    /// The frame that would be read next is lost.
    Lose,
    /// Another process becomes the reader: the one before has left, or has died with what it took.
    NextReader { dies: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![9 => 0_usize..100, 1 => 20_000_usize..48_000].prop_map(Step::HandOver),
        6 => Just(Step::Send),
        6 => Just(Step::Read),
        4 => Just(Step::Tell),
        6 => Just(Step::Hear),
        1 => Just(Step::Lose),
        1 => any::<bool>().prop_map(|dies| Step::NextReader { dies }),
    ]
}

/// The elder, the newest process, and what is under way between them.
struct Pair {
    moves: Moves<u32>,
    intake: Intake<u32>,
    generation: Generation,
    to_newest: VecDeque<(Vec<u8>, Vec<u32>)>,
    to_elder: VecDeque<Message>,
    handed_over: u32,
    /// In the hands of a process that reads, or that read and lives.
    taken: BTreeSet<u32>,
    /// The elder's again, or known by it to be gone.
    given_back: BTreeSet<u32>,
    gone: BTreeSet<u32>,
}

impl Pair {
    fn new() -> Self {
        let generation = Generation::new(2);
        let mut moves = Moves::new();
        moves.open(vec![http()]);
        Self {
            moves,
            intake: Intake::open(generation),
            generation,
            to_newest: VecDeque::new(),
            to_elder: VecDeque::new(),
            handed_over: 0,
            taken: BTreeSet::new(),
            given_back: BTreeSet::new(),
            gone: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::HandOver(length_bytes) => {
                self.moves.hand_over(self.handed_over, entry(length_bytes));
                self.handed_over += 1;
            }
            Step::Send => self.send(),
            Step::Read => self.read(),
            Step::Tell => {
                if let Some(word) = self.intake.word() {
                    self.to_elder.push_back(word);
                    for connection in self.intake.told() {
                        assert!(self.taken.insert(connection), "{connection} was taken twice");
                    }
                }
            }
            Step::Hear => self.hear(),
            Step::Lose => {
                if self.to_newest.pop_front().is_some() {
                    self.to_elder.extend(self.intake.lost());
                }
            }
            Step::NextReader { dies } => {
                if dies {
                    self.generation = self.generation.next();
                } else {
                    self.intake.leave();
                }
                self.intake = Intake::shut(self.generation.next());
                self.generation = self.generation.next();
                self.to_elder.push_back(self.intake.begin());
            }
        }
        self.settle();
    }

    fn send(&mut self) {
        if let Some(message) = self.moves.poll_message() {
            let along: Vec<u32> = self.moves.batch(&message).copied().collect();
            assert_eq!(along.len(), message.descriptors());
            assert!(along.iter().all(|it| !self.given_back.contains(it)), "it was given back");
            self.to_newest.push_back((encode(&message).expect("it fits"), along));
        }
    }

    /// Every seventh is refused.
    fn read(&mut self) {
        let Some((frame, along)) = self.to_newest.pop_front() else { return };
        match decode(&frame, along.len()).expect("it was just written") {
            Message::Moved { batch, .. } => {
                let positions = (0u32..).zip(&along).filter(|(_, it)| **it % 7 == 0);
                let refused = positions.map(|(position, _)| position).collect();
                let taken = along.iter().copied().filter(|it| it % 7 != 0).collect();
                self.intake.moved(batch, taken, refused);
            }
            Message::Recalled { turn } => self.intake.recalled(turn),
            other => panic!("`{}` is not said", other.name()),
        }
    }

    fn hear(&mut self) {
        match self.to_elder.pop_front() {
            Some(Message::Taken { batch, refused }) => self.moves.taken(batch, &refused),
            Some(Message::Recall { turn, then }) => self.moves.recall(turn, then),
            Some(other) => panic!("`{}` is not said", other.name()),
            None => {}
        }
    }

    fn settle(&mut self) {
        while let Some(action) = self.moves.poll_action() {
            let fresh = match action {
                MoveAction::Gone(connection) => {
                    assert!(self.taken.contains(&connection), "{connection} is in nobody's hands");
                    self.gone.insert(connection)
                }
                MoveAction::GivenBack(connection, ..) => {
                    assert!(!self.taken.contains(&connection), "{connection} is in two hands");
                    self.given_back.insert(connection)
                }
                MoveAction::Lost(connection) => panic!("{connection} is lost without a hammer"),
            };
            assert!(fresh, "it is settled once");
        }
        let under_way: usize = self.to_newest.iter().map(|(_, along)| along.len()).sum();
        assert!(under_way <= 2 * MOVE_WINDOW, "{under_way} are under way");
    }

    /// Everything that is under way arrives.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.settled() == self.handed_over as usize {
                break;
            }
            for step in [Step::Send, Step::Read, Step::Tell, Step::Hear] {
                self.step(step);
            }
        }
        assert_eq!(self.settled(), self.handed_over as usize, "each is settled");
        assert_eq!(self.gone, self.taken, "what is gone is what was taken");
        assert_eq!(self.moves.moved(), self.gone.len() as u64);
    }

    fn settled(&self) -> usize {
        self.gone.len() + self.given_back.len()
    }

    /// The newest process dies. What the elder has heard before stays; the rest comes back, but
    /// for what had been taken.
    fn close(&mut self) {
        while !self.to_elder.is_empty() {
            self.step(Step::Hear);
        }
        self.moves.close();
        self.settle();
        assert_eq!(self.settled(), self.handed_over as usize, "each is settled");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn each_connection_is_in_one_hand_and_settled_once(steps in vec(step(), 0..400)) {
        let mut pair = Pair::new();
        steps.into_iter().for_each(|step| pair.step(step));
        pair.finish();
    }

    #[test]
    fn what_a_process_that_dies_had_not_taken_comes_back(steps in vec(step(), 0..400)) {
        let mut pair = Pair::new();
        steps.into_iter().for_each(|step| pair.step(step));
        pair.close();
    }
}
