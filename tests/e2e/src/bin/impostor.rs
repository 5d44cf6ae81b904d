//! A next version that misbehaves, as the file beside it says. It speaks on the channel by itself
//! where the library would not let it.

use std::path::Path;
use std::process::exit;
use std::thread;

use anyhow::{Context, bail};
use rekindle_core::{Message, PROTOCOL, Text, VersionRange, decode, encode};
use rekindle_e2e::Manner;
use rekindle_unix::{Channel, FrameBuffer, Marker, Received, Signal, die_by};
use rustix::event::{PollFd, PollFlags, poll};

fn main() -> anyhow::Result<()> {
    let program = std::env::args_os().next().context("find my own name")?;
    let manner = Manner::beside(Path::new(&program)).context("read the manner")?;
    if manner == Manner::ExitsAtOnce {
        exit(3);
    }
    let end = Marker::take()?.context("find the channel: nobody upgrades to me")?;
    let channel = Channel::from_owned(end)?;
    match manner {
        Manner::ExitsAtOnce => unreachable!("it has exited"),
        Manner::HangsSilently => hang(),
        Manner::WritesGarbage => {
            channel.send(b"GET / HTTP/1.1\r\n\r\n", &[])?;
            hang()
        }
        Manner::SpeaksOtherVersion => {
            greet(&channel, VersionRange::new(70, 90))?;
            until(&channel, |message| matches!(message, Message::Refused { .. }))?;
            bail!("the old process refuses me")
        }
        Manner::IsRushed => {
            say(&channel, &Message::Ready { claimed: Vec::new() })?;
            hang()
        }
        Manner::ClosesChannel => {
            drop(channel);
            hang()
        }
        Manner::ExitsAfterOffer
        | Manner::HangsAfterOffer
        | Manner::ClaimsTooMuch
        | Manner::GivesUp
        | Manner::Crashes
        | Manner::DiesAtCommit
        | Manner::HangsAtCommit => with_the_offer(&channel, manner),
    }
}

fn with_the_offer(channel: &Channel, manner: Manner) -> anyhow::Result<()> {
    greet(channel, PROTOCOL)?;
    let listeners = receive_offer(channel)?;
    match manner {
        Manner::ExitsAfterOffer => exit(4),
        Manner::Crashes => die_by(Signal::Segv),
        Manner::ClaimsTooMuch => say(channel, &Message::Ready { claimed: vec![listeners] })?,
        Manner::GivesUp => {
            let words = Text::from("the database is older than I am");
            say(channel, &Message::Failed { words })?;
            exit(5);
        }
        Manner::DiesAtCommit | Manner::HangsAtCommit => {
            say(channel, &Message::Ready { claimed: (0..listeners).collect() })?;
            until(channel, |message| *message == Message::Commit)?;
            if manner == Manner::DiesAtCommit {
                exit(6);
            }
        }
        _ => {}
    }
    hang()
}

fn greet(channel: &Channel, versions: VersionRange) -> anyhow::Result<()> {
    let (pid, build) = (std::process::id(), Text::from("impostor"));
    say(channel, &Message::Hello { versions, pid, build })
}

fn say(channel: &Channel, message: &Message) -> anyhow::Result<()> {
    Ok(channel.send(&encode(message)?, &[])?)
}

/// Waits for the whole offer, and says how many listeners it has.
fn receive_offer(channel: &Channel) -> anyhow::Result<u32> {
    match until(channel, |message| matches!(message, Message::OfferEnd { .. }))? {
        Message::OfferEnd { listeners, .. } => Ok(listeners),
        other => bail!("waited for the end of the offer: {other:?}"),
    }
}

/// Waits for a message; descriptors that come are closed.
fn until(channel: &Channel, wanted: impl Fn(&Message) -> bool) -> anyhow::Result<Message> {
    let mut buffer = FrameBuffer::new();
    loop {
        match channel.receive(&mut buffer)? {
            Received::Frame { bytes, descriptors } => {
                let message = decode(bytes, descriptors.len())?;
                if wanted(&message) {
                    return Ok(message);
                }
            }
            Received::WouldBlock => {
                poll(&mut [PollFd::new(channel, PollFlags::IN)], None)?;
            }
            Received::EndOfFile => bail!("the old process has closed the channel"),
        }
    }
}

fn hang() -> ! {
    loop {
        thread::park();
    }
}
