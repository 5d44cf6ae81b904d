//! Strategies for every message that there is, with fields over their whole range.

use proptest::collection::vec;
use proptest::prelude::*;
use rekindle_core::{
    ElderEntry, Generation, ListenerEntry, ListenerName, Message, MovedEntry, Reason, Receiver,
    SocketKind, StateEntry, Text, Then, Turn, VersionRange,
};

/// A text, sometimes one that is cut.
pub(crate) fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        8 => ".{0,40}".prop_map(Text::from),
        1 => "[a-zé€🦀]{200,400}".prop_map(|unit| Text::from(unit.repeat(3))),
    ]
}

fn versions() -> impl Strategy<Value = VersionRange> {
    any::<(u16, u16)>().prop_map(|(one, other)| VersionRange::new(one, other))
}

fn generation() -> impl Strategy<Value = Generation> {
    any::<u64>().prop_map(Generation::new)
}

fn kind() -> impl Strategy<Value = SocketKind> {
    prop::sample::select(vec![
        SocketKind::Tcp,
        SocketKind::Udp,
        SocketKind::UnixStream,
        SocketKind::UnixDatagram,
        SocketKind::UnixSeqpacket,
        SocketKind::Other,
    ])
}

/// A listener with any name, and addresses of any length that a text can have.
pub(crate) fn listener() -> impl Strategy<Value = ListenerEntry> {
    let parts = (name(), kind(), text(), text(), any::<bool>());
    parts.prop_map(|(name, kind, requested, bound, lent)| ListenerEntry {
        name,
        kind,
        requested,
        bound,
        lent,
    })
}

pub(crate) fn elder() -> impl Strategy<Value = ElderEntry> {
    (generation(), any::<u32>(), any::<u64>()).prop_map(|(generation, pid, in_flight)| ElderEntry {
        generation,
        pid,
        in_flight,
    })
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        text().prop_map(|words| Reason::HookRefused { words }),
        text().prop_map(|error| Reason::NotStarted { error }),
        text().prop_map(|error| Reason::NoOffer { error }),
        text().prop_map(|status| Reason::Exited { status }),
        Just(Reason::ChannelClosed),
        any::<u64>().prop_map(|timeout_ms| Reason::StartTimeout { timeout_ms }),
        any::<u64>().prop_map(|timeout_ms| Reason::TakeOverTimeout { timeout_ms }),
        text().prop_map(|error| Reason::Garbage { error }),
        text().prop_map(|message| Reason::OutOfTurn { message }),
        (versions(), versions()).prop_map(|(old, new)| Reason::NoCommonVersion { old, new }),
        text().prop_map(|words| Reason::Failed { words }),
        Just(Reason::Stopping),
        any::<u32>().prop_map(|uid| Reason::OtherUser { uid }),
        text().prop_map(|words| Reason::Busy { words }),
    ]
}

/// Any message of any kind.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (versions(), any::<u32>(), text()).prop_map(|(versions, pid, build)| Message::Hello {
            versions,
            pid,
            build
        }),
        (any::<u16>(), generation(), any::<u32>(), any::<u64>(), generation()).prop_map(
            |(version, generation, old_pid, start_timeout_ms, old_generation)| Message::Welcome {
                version,
                generation,
                old_pid,
                start_timeout_ms,
                old_generation,
            }
        ),
        reason().prop_map(|reason| Message::Refused { reason }),
        vec(listener(), 0..8).prop_map(|entries| Message::Listeners { entries }),
        vec(elder(), 0..8).prop_map(|entries| Message::Elders { entries }),
        any::<(u32, u32, u32)>().prop_map(|(listeners, elders, states)| Message::OfferEnd {
            listeners,
            elders,
            states
        }),
        vec(any::<u32>(), 0..100).prop_map(|claimed| Message::Ready { claimed }),
        text().prop_map(|words| Message::Failed { words }),
        Just(Message::Commit),
        Just(Message::Serving),
        Just(Message::Confirmed),
        any::<u64>().prop_map(|count| Message::InFlight { count }),
        Just(Message::Hammer),
        any::<(u64, u64)>().prop_map(|(cut, moved)| Message::Farewell { cut, moved }),
        any::<u32>().prop_map(|pid| Message::Introduce { pid }),
        moving(),
    ]
}

/// Any message that has to do with moves or states.
fn moving() -> impl Strategy<Value = Message> {
    prop_oneof![
        vec(receiver(), 0..8).prop_map(|receivers| Message::Takes { receivers }),
        (any::<u64>(), vec(moved_entry(), 0..8))
            .prop_map(|(batch, entries)| Message::Moved { batch, entries }),
        (any::<u64>(), vec(any::<u32>(), 0..64))
            .prop_map(|(batch, refused)| Message::Taken { batch, refused }),
        vec(state(), 0..8).prop_map(|entries| Message::States { entries }),
        Just(Message::Heard),
        (turn(), prop::sample::select(vec![Then::SendAgain, Then::Keep]))
            .prop_map(|(turn, then)| Message::Recall { turn, then }),
        turn().prop_map(|turn| Message::Recalled { turn }),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    (generation(), any::<u64>()).prop_map(|(reader, number)| Turn { reader, number })
}

fn name() -> impl Strategy<Value = ListenerName> {
    "[ -9;-~]{1,255}".prop_map(|name| name.parse().expect("printable ASCII without a colon"))
}

fn receiver() -> impl Strategy<Value = Receiver> {
    (name(), text()).prop_map(|(name, protocol)| Receiver { name, protocol })
}

/// A connection with few bytes, which may be any.
pub(crate) fn moved_entry() -> impl Strategy<Value = MovedEntry> {
    (receiver(), vec(any::<u8>(), 0..300))
        .prop_map(|(receiver, bytes)| MovedEntry { receiver, bytes })
}

pub(crate) fn state() -> impl Strategy<Value = StateEntry> {
    (name(), any::<u64>()).prop_map(|(name, length_bytes)| StateEntry { name, length_bytes })
}
