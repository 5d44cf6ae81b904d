//! Round trips, and everything that is no message.

use proptest::prelude::*;
use rekindle_core::{
    DecodeError, FRAME_LIMIT_BYTES, ListenerEntry, Message, SocketKind, TEXT_LIMIT_BYTES, Text,
    decode, encode,
};

use crate::messages;

/// What CBOR calls an array of so many items (RFC 8949, section 3.1).
const fn array(items: u8) -> u8 {
    0x80 + items
}

fn error(frame: &[u8], descriptors: usize) -> DecodeError {
    decode(frame, descriptors).expect_err("no message")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_message_comes_back_as_it_went(message in messages::message()) {
        let frame = encode(&message).expect("it fits");
        prop_assert_eq!(decode(&frame, message.descriptors()), Ok(message));
    }

    #[test]
    fn a_message_with_other_than_its_descriptors_is_refused(
        message in messages::message(),
        found in 0_usize..100,
    ) {
        let frame = encode(&message).expect("it fits");
        let expected = message.descriptors();
        prop_assume!(found != expected);
        let name = message.name();
        let refused = DecodeError::Descriptors { message: name, expected, found };
        prop_assert_eq!(decode(&frame, found), Err(refused));
    }

    #[test]
    fn a_cut_frame_is_no_message(
        message in messages::message(),
        cut: prop::sample::Index,
    ) {
        let frame = encode(&message).expect("it fits");
        let part = &frame[..cut.index(frame.len())];
        let refused = decode(part, message.descriptors());
        let not_a_message = matches!(refused, Err(DecodeError::NotAMessage { .. }));
        prop_assert!(not_a_message, "{:?}", refused);
    }

    #[test]
    fn bytes_after_a_message_are_refused(message in messages::message(), more in 1_usize..9) {
        let mut frame = encode(&message).expect("it fits");
        frame.resize(frame.len() + more, 0);
        let name = message.name();
        let refused = DecodeError::LeftOver { message: name, left_over_bytes: more };
        prop_assert_eq!(decode(&frame, message.descriptors()), Err(refused));
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(frame: Vec<u8>, descriptors in 0_usize..4) {
        if let Ok(message) = decode(&frame, descriptors) {
            let again = encode(&message).expect("it came in a frame");
            prop_assert_eq!(decode(&again, descriptors), Ok(message));
        }
    }

    /// Bytes that are nearly a message reach deeper than bytes that are nearly noise.
    #[test]
    fn no_damage_to_a_message_makes_it_panic(
        message in messages::message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = encode(&message).expect("it fits");
        for (index, byte) in damage {
            let position = index.index(frame.len());
            frame[position] = byte;
        }
        for descriptors in [0, 1, message.descriptors()] {
            if let Ok(message) = decode(&frame, descriptors) {
                let again = encode(&message).expect("it came in a frame");
                prop_assert_eq!(decode(&again, descriptors), Ok(message));
            }
        }
    }
}

/// The bytes are the protocol: builds of different age have to agree on them.
#[test]
fn the_bytes_of_a_message_are_what_they_always_were() {
    let ready = Message::Ready { claimed: vec![0, 300] };
    let fields = [array(1), array(2), 0, 0x19, 1, 44];
    assert_eq!(encode(&ready).expect("it fits"), [&[array(2), 6][..], &fields].concat());
    assert_eq!(encode(&Message::Commit).expect("it fits"), [array(2), 8, array(0)]);
    let introduce = Message::Introduce { pid: 7 };
    assert_eq!(encode(&introduce).expect("it fits"), [array(2), 14, array(1), 7]);
}

#[test]
fn a_frame_ends_at_its_limit() {
    let claims = |count| Message::Ready { claimed: vec![0; count] };
    let overhead_bytes = encode(&claims(60_000)).expect("it fits").len() - 60_000;
    let most = FRAME_LIMIT_BYTES - overhead_bytes;
    let frame = encode(&claims(most)).expect("it fits");
    assert_eq!(frame.len(), FRAME_LIMIT_BYTES);
    assert_eq!(decode(&frame, 0), Ok(claims(most)));
    let too_long = encode(&claims(most + 1)).expect_err("one too many");
    assert_eq!((too_long.message, too_long.length_bytes), ("Ready", FRAME_LIMIT_BYTES + 1));
    let frame = vec![0; FRAME_LIMIT_BYTES + 1];
    let length_bytes = frame.len();
    assert_eq!(error(&frame, 0), DecodeError::TooLong { length_bytes });
}

#[test]
fn an_unknown_message_is_an_error() {
    for number in [15, 23] {
        let refused = error(&[array(2), number, array(0)], 0);
        assert!(matches!(refused, DecodeError::NotAMessage { .. }), "{refused:?}");
    }
}

#[test]
fn an_unknown_kind_or_reason_is_an_error() {
    let reason = [array(2), 2, array(1), array(2), 23, array(0)];
    assert!(matches!(error(&reason, 0), DecodeError::NotAMessage { .. }));
    let listener = [array(4), 0x61, b'a', 6, 0x60, 0x60];
    let listeners = [&[array(2), 3, array(1), array(1)][..], &listener].concat();
    assert!(matches!(error(&listeners, 1), DecodeError::NotAMessage { .. }));
}

#[test]
fn a_length_that_is_a_lie_reserves_nothing() {
    let lie = [0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for number in [3, 4, 6] {
        let frame = [&[array(2), number, array(1)][..], &lie].concat();
        assert!(matches!(error(&frame, 0), DecodeError::NotAMessage { .. }));
    }
}

#[test]
fn what_is_skipped_may_be_nested_as_deep_as_a_frame_is_long() {
    let skipped = [&[array(2), 8, array(1)][..], &vec![array(1); 60_000], &[0]].concat();
    assert_eq!(decode(&skipped, 0), Ok(Message::Commit));
    assert!(matches!(error(&skipped[..skipped.len() - 1], 0), DecodeError::NotAMessage { .. }));
}

#[test]
fn a_name_that_cannot_travel_is_refused_on_arrival() {
    for name in ["", "a:b", "a\nb", "é"] {
        let length = u8::try_from(name.len()).expect("it is short");
        let listener = [&[array(4), 0x60 + length][..], name.as_bytes(), &[0, 0x60, 0x60]].concat();
        let frame = [&[array(2), 3, array(1), array(1)][..], &listener].concat();
        assert!(matches!(error(&frame, 1), DecodeError::NotAMessage { .. }), "{name:?}");
    }
}

#[test]
fn a_text_that_is_too_long_is_cut_on_arrival() {
    let long = "é".repeat(TEXT_LIMIT_BYTES);
    let text = [&[0x79, 8, 0][..], long.as_bytes()].concat();
    let frame = [&[array(2), 7, array(1)][..], &text].concat();
    let words = Text::from(long.as_str());
    assert_eq!(words.as_str().len(), TEXT_LIMIT_BYTES);
    assert_eq!(decode(&frame, 0), Ok(Message::Failed { words }));
}

/// CBOR lets a peer write an array without its length, and ours is not the only encoder.
#[test]
fn an_array_without_a_length_is_read() {
    let frame = [array(2), 6, 0x9f, 0x9f, 1, 2, 0xff, 0xff];
    let claimed = vec![1, 2];
    assert_eq!(decode(&frame, 0), Ok(Message::Ready { claimed }));
}

#[test]
fn an_error_says_what_was_wrong() {
    let entry = ListenerEntry {
        name: "http".parse().expect("a good name"),
        kind: SocketKind::Tcp,
        requested: Text::default(),
        bound: Text::default(),
        lent: false,
    };
    let entries = vec![entry];
    let frame = encode(&Message::Listeners { entries }).expect("it fits");
    assert_eq!(error(&frame, 0).to_string(), "`Listeners` came with 0 descriptors where 1 belong");
    let text = error(&[0xff], 0).to_string();
    assert!(text.starts_with("no message: "), "{text}");
}
