//! Moves out of a process and into one: each machine by itself, and both against a model.

mod gives;
mod takes;
mod together;

use rekindle_core::{Generation, Message, MovedEntry, Receiver, Text, Turn};

/// What is asked for.
fn http() -> Receiver {
    receiver("http")
}

fn receiver(name: &str) -> Receiver {
    Receiver { name: name.parse().expect("a good name"), protocol: Text::from("http/1.1") }
}

/// A connection with so many bytes that go along.
fn entry(length_bytes: usize) -> MovedEntry {
    MovedEntry { receiver: http(), bytes: vec![0x47; length_bytes] }
}

fn turn(number: u64) -> Turn {
    Turn { reader: Generation::new(5), number }
}

/// The number of a batch, and how many it has.
fn batch(message: &Message) -> (u64, usize) {
    match message {
        Message::Moved { batch, entries } => (*batch, entries.len()),
        other => panic!("`{}` is no batch", other.name()),
    }
}
