//! Today's build and a later one on the two ends of a channel.
//!
//! The later build is written down here: fields that it added are last and optional, messages
//! that it added have numbers of their own.

use minicbor::{Decode, Encode};
use rekindle_core::{
    DecodeError, ElderEntry, Generation, Message, MovedEntry, Receiver, Text, VersionRange, decode,
    encode,
};

/// Some of the messages as a later build has them.
#[derive(Debug, PartialEq, Encode, Decode)]
enum Later {
    #[n(0)]
    Hello {
        #[n(0)]
        versions: VersionRange,
        #[n(1)]
        pid: u32,
        #[n(2)]
        build: Text,
        #[n(3)]
        features: Option<Vec<String>>,
    },
    #[n(4)]
    Elders {
        #[n(0)]
        entries: Vec<LaterElder>,
    },
    #[n(8)]
    Commit {
        #[n(0)]
        deadline_ms: Option<u64>,
    },
    #[n(13)]
    Farewell {
        #[n(0)]
        cut: u64,
        #[n(1)]
        moved: u64,
        // A field that was in between and is gone.
        #[n(3)]
        cause: Option<u64>,
    },
    #[n(16)]
    Moved {
        #[n(0)]
        batch: u64,
        #[n(1)]
        entries: Vec<LaterMoved>,
    },
    #[n(99)]
    Weather {
        #[n(0)]
        bytes: Vec<u8>,
    },
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct LaterMoved {
    #[n(0)]
    receiver: Receiver,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    bytes: Vec<u8>,
    #[n(2)]
    keys: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct LaterElder {
    #[n(0)]
    generation: u64,
    #[n(1)]
    pid: u32,
    #[n(2)]
    in_flight: u64,
    #[n(3)]
    cut: Option<u64>,
}

fn written(message: &Later) -> Vec<u8> {
    minicbor::to_vec(message).expect("a vector takes every byte")
}

fn read(frame: &[u8]) -> Later {
    minicbor::decode(frame).expect("the later build reads it")
}

fn hello() -> Message {
    Message::Hello { versions: VersionRange::new(1, 1), pid: 7, build: Text::from("one") }
}

fn later_hello(features: Option<Vec<String>>) -> Later {
    Later::Hello { versions: VersionRange::new(1, 1), pid: 7, build: Text::from("one"), features }
}

#[test]
fn a_field_that_a_later_build_added_is_skipped() {
    let features = vec!["moves".to_owned(), "state".to_owned()];
    assert_eq!(decode(&written(&later_hello(Some(features))), 0), Ok(hello()));
    let commit = Later::Commit { deadline_ms: Some(5_000) };
    assert_eq!(decode(&written(&commit), 0), Ok(Message::Commit));
}

#[test]
fn a_field_behind_one_that_is_gone_is_skipped() {
    let farewell = Later::Farewell { cut: 3, moved: 1, cause: Some(9) };
    assert_eq!(decode(&written(&farewell), 0), Ok(Message::Farewell { cut: 3, moved: 1 }));
}

#[test]
fn a_later_build_that_leaves_its_field_out_is_read() {
    assert_eq!(decode(&written(&later_hello(None)), 0), Ok(hello()));
    let commit = Later::Commit { deadline_ms: None };
    assert_eq!(decode(&written(&commit), 0), Ok(Message::Commit));
}

#[test]
fn a_field_inside_an_entry_is_skipped_and_missed_alike() {
    let later = |cut| Later::Elders {
        entries: vec![LaterElder { generation: 3, pid: 7, in_flight: 2, cut }],
    };
    let today = Message::Elders {
        entries: vec![ElderEntry { generation: Generation::new(3), pid: 7, in_flight: 2 }],
    };
    assert_eq!(decode(&written(&later(Some(1))), 1), Ok(today.clone()));
    assert_eq!(read(&encode(&today).expect("it fits")), later(None));
}

#[test]
fn what_a_later_build_says_of_a_connection_that_moves_is_skipped() {
    let receiver =
        Receiver { name: "http".parse().expect("a name"), protocol: Text::from("http/9") };
    let bytes = b"GET /".to_vec();
    let later = |keys| Later::Moved {
        batch: 4,
        entries: vec![LaterMoved { receiver: receiver.clone(), bytes: bytes.clone(), keys }],
    };
    let entry = MovedEntry { receiver: receiver.clone(), bytes: bytes.clone() };
    let today = Message::Moved { batch: 4, entries: vec![entry] };
    assert_eq!(decode(&written(&later(Some(vec![7]))), 1), Ok(today.clone()));
    assert_eq!(read(&encode(&today).expect("it fits")), later(None));
}

#[test]
fn a_later_build_reads_what_has_not_its_field() {
    assert_eq!(read(&encode(&hello()).expect("it fits")), later_hello(None));
    let commit = encode(&Message::Commit).expect("it fits");
    assert_eq!(read(&commit), Later::Commit { deadline_ms: None });
    let farewell = encode(&Message::Farewell { cut: 3, moved: 1 }).expect("it fits");
    assert_eq!(read(&farewell), Later::Farewell { cut: 3, moved: 1, cause: None });
}

#[test]
fn a_message_that_a_later_build_added_is_an_error_and_not_taken_for_another() {
    let weather = Later::Weather { bytes: vec![1] };
    let refused = decode(&written(&weather), 0).expect_err("unknown today");
    assert!(matches!(refused, DecodeError::NotAMessage { .. }));
}
