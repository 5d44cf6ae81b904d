//! An offer through its frames: of any size, and with frames that are missing, doubled or wrong.

use std::iter;

use proptest::collection::vec;
use proptest::prelude::*;
use rekindle_core::{
    DESCRIPTORS_PER_FRAME, ELDER_LIMIT, ElderEntry, Generation, LISTENER_LIMIT, ListenerEntry,
    Message, Offer, OfferError, OfferReader, STATE_LIMIT, SocketKind, StateEntry, TEXT_LIMIT_BYTES,
    Text, decode, encode, frames,
};

use crate::messages;

fn listener(index: usize) -> ListenerEntry {
    ListenerEntry {
        name: format!("listener-{index}").parse().expect("a good name"),
        kind: SocketKind::Tcp,
        requested: Text::from("127.0.0.1:0"),
        bound: Text::of(format_args!("127.0.0.1:{index}")),
        lent: false,
    }
}

fn elder(index: usize) -> ElderEntry {
    ElderEntry { generation: Generation::new(index as u64 + 1), pid: 100, in_flight: 1 }
}

fn offer(listeners: usize, elders: usize) -> Offer {
    Offer {
        listeners: (0..listeners).map(listener).collect(),
        elders: (0..elders).map(elder).collect(),
        states: Vec::new(),
    }
}

/// Reads frames as the new side does. An offer that has no end is not whole either.
fn read(messages: impl IntoIterator<Item = Message>) -> Result<Offer, OfferError> {
    let mut reader = OfferReader::new();
    for message in messages {
        match message {
            Message::Listeners { entries } => reader.listeners(entries)?,
            Message::Elders { entries } => reader.elders(entries)?,
            Message::States { entries } => reader.states(entries)?,
            Message::OfferEnd { listeners, elders, states } => {
                return reader.finish(listeners, elders, states);
            }
            other => panic!("`{}` is no part of an offer", other.name()),
        }
    }
    Err(OfferError::NotWhole)
}

/// Each message as it arrives: through bytes, within a frame's limits.
fn through_bytes(messages: Vec<Message>) -> impl Iterator<Item = Message> {
    messages.into_iter().map(|message| {
        assert!(message.descriptors() <= DESCRIPTORS_PER_FRAME);
        let frame = encode(&message).expect("a part of an offer fits in a frame");
        decode(&frame, message.descriptors()).expect("it was just written")
    })
}

#[test]
fn an_offer_of_any_size_arrives() {
    for (listeners, elders, count) in [
        (0, 0, 1),
        (1, 0, 2),
        (64, 0, 2),
        (65, 0, 3),
        (0, 1, 2),
        (1, 1, 3),
        (1_000, 8, 18),
        (LISTENER_LIMIT, ELDER_LIMIT, 130),
    ] {
        let offer = offer(listeners, elders);
        let frames = frames(&offer);
        assert_eq!(frames.len(), count, "{listeners} listeners and {elders} elders");
        assert_eq!(read(through_bytes(frames)), Ok(offer));
    }
}

#[test]
fn entries_as_long_as_they_can_be_arrive_in_more_frames() {
    let long = |letter: &str| Text::from(letter.repeat(TEXT_LIMIT_BYTES));
    let entry = ListenerEntry {
        name: "n".repeat(255).parse().expect("a good name"),
        kind: SocketKind::UnixStream,
        requested: long("r"),
        bound: long("b"),
        lent: true,
    };
    let listeners: Vec<_> = iter::repeat_n(entry, DESCRIPTORS_PER_FRAME).collect();
    let offer = Offer { listeners, ..Offer::default() };
    let frames = frames(&offer);
    assert_eq!(frames.len(), 4, "three with listeners, and the end");
    assert_eq!(read(through_bytes(frames)), Ok(offer));
}

#[test]
fn one_more_than_the_limit_is_refused() {
    let listeners = frames(&offer(LISTENER_LIMIT + 1, 0));
    assert_eq!(read(listeners), Err(OfferError::TooManyListeners));
    let elders = frames(&offer(0, ELDER_LIMIT + 1));
    assert_eq!(read(elders), Err(OfferError::TooManyElders));
    let state = StateEntry { name: "keys".parse().expect("a good name"), length_bytes: 1 };
    let states = vec![state; STATE_LIMIT + 1];
    let states = frames(&Offer { states, ..Offer::default() });
    assert_eq!(read(states), Err(OfferError::TooManyStates));
}

#[test]
fn every_listener_there_may_be_can_be_claimed_in_one_frame() {
    let claimed: Vec<u32> = (0..).take(LISTENER_LIMIT).collect();
    let ready = Message::Ready { claimed };
    let frame = encode(&ready).expect("it fits");
    assert_eq!(decode(&frame, 0), Ok(ready));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_offer_arrives_as_it_went(
        listeners in vec(messages::listener(), 0..200),
        elders in vec(messages::elder(), 0..ELDER_LIMIT),
        states in vec(messages::state(), 0..STATE_LIMIT),
    ) {
        let offer = Offer { listeners, elders, states };
        prop_assert_eq!(read(through_bytes(frames(&offer))), Ok(offer));
    }

    #[test]
    fn an_offer_without_one_of_its_frames_is_refused(
        listeners in 0_usize..300,
        elders in 0_usize..ELDER_LIMIT,
        missing: prop::sample::Index,
    ) {
        let mut frames = frames(&offer(listeners, elders));
        frames.remove(missing.index(frames.len()));
        prop_assert_eq!(read(frames), Err(OfferError::NotWhole));
    }

    #[test]
    fn an_offer_with_a_frame_twice_is_refused(
        listeners in 1_usize..300,
        elders in 1_usize..ELDER_LIMIT / 2,
        twice: prop::sample::Index,
    ) {
        let mut frames = frames(&offer(listeners, elders));
        let index = twice.index(frames.len() - 1);
        frames.insert(index, frames[index].clone());
        prop_assert_eq!(read(frames), Err(OfferError::NotWhole));
    }

    #[test]
    fn an_offer_whose_end_comes_early_is_refused(
        listeners in 1_usize..300,
        early: prop::sample::Index,
    ) {
        let mut frames = frames(&offer(listeners, 0));
        let end = frames.pop().expect("an offer has an end");
        frames.insert(early.index(frames.len()), end);
        prop_assert_eq!(read(frames), Err(OfferError::NotWhole));
    }
}
