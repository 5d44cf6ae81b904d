//! The offer: what the old process sends first, cut into frames on its side and put together
//! again on the other.

use alloc::vec::Vec;
use core::mem;

use crate::codec::FRAME_LIMIT_BYTES;
use crate::listener::ListenerEntry;
use crate::message::{ElderEntry, Message, StateEntry};

/// The most descriptors in a frame. `SCM_RIGHTS` would allow 253 (`unix(7)`).
pub const DESCRIPTORS_PER_FRAME: usize = 64;

/// The most listeners in an offer: their positions have to fit in one `Ready`.
pub const LISTENER_LIMIT: usize = 8192;

/// The most elders in an offer. A service hammers the oldest long before.
pub const ELDER_LIMIT: usize = 64;

/// The most states in an offer: a frame's worth.
pub const STATE_LIMIT: usize = DESCRIPTORS_PER_FRAME;

/// The most bytes of one state.
pub const STATE_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The most bytes of listeners in a frame: the rest is room for what says that they are
/// listeners.
const ENTRIES_LIMIT_BYTES: usize = FRAME_LIMIT_BYTES - 16;

/// CBOR's heads of a listener and its four fields, three bytes each at most.
const ENTRY_OVERHEAD_BYTES: usize = 16;

/// A whole offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// The listeners, in the order of their descriptors.
    pub listeners: Vec<ListenerEntry>,
    /// The older generations that still drain, in the order of their descriptors.
    pub elders: Vec<ElderEntry>,
    /// What the program remembers, in the order of the descriptors.
    pub states: Vec<StateEntry>,
}

/// The frames of an offer, in the order in which they have to be sent. The descriptors of the
/// listeners, then of the elders, then of the states go along in that same order,
/// [`Message::descriptors`] with each frame.
#[must_use]
pub fn frames(offer: &Offer) -> Vec<Message> {
    let listeners =
        frames_of(&offer.listeners).into_iter().map(|entries| Message::Listeners { entries });
    let elders = offer
        .elders
        .chunks(DESCRIPTORS_PER_FRAME)
        .map(|chunk| Message::Elders { entries: chunk.to_vec() });
    let end = Message::OfferEnd {
        listeners: u32::try_from(offer.listeners.len()).unwrap_or(u32::MAX),
        elders: u32::try_from(offer.elders.len()).unwrap_or(u32::MAX),
        states: u32::try_from(offer.states.len()).unwrap_or(u32::MAX),
    };
    let states = offer
        .states
        .chunks(DESCRIPTORS_PER_FRAME)
        .map(|chunk| Message::States { entries: chunk.to_vec() });
    listeners.chain(elders).chain(states).chain([end]).collect()
}

/// The listeners of each frame: as many as fit by number and by length.
fn frames_of(entries: &[ListenerEntry]) -> Vec<Vec<ListenerEntry>> {
    let mut frames: Vec<Vec<ListenerEntry>> = Vec::new();
    let mut length_bytes = 0;
    for entry in entries {
        length_bytes += bound_bytes(entry);
        match frames.last_mut() {
            Some(frame)
                if frame.len() < DESCRIPTORS_PER_FRAME && length_bytes <= ENTRIES_LIMIT_BYTES =>
            {
                frame.push(entry.clone());
            }
            Some(_) | None => {
                length_bytes = bound_bytes(entry);
                frames.push([entry.clone()].into());
            }
        }
    }
    frames
}

/// No less than what a listener takes in a frame: its texts, and CBOR's few bytes around each.
fn bound_bytes(entry: &ListenerEntry) -> usize {
    let texts = [&entry.requested, &entry.bound].map(|text| text.as_str().len());
    entry.name.as_str().len() + texts.iter().sum::<usize>() + ENTRY_OVERHEAD_BYTES
}

/// Puts an offer together from its frames.
#[derive(Debug, Default)]
pub struct OfferReader {
    offer: Offer,
}

impl OfferReader {
    /// A reader that has nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the listeners of one frame.
    ///
    /// # Errors
    ///
    /// If the offer has more than [`LISTENER_LIMIT`] with them.
    pub fn listeners(&mut self, entries: Vec<ListenerEntry>) -> Result<(), OfferError> {
        if self.offer.listeners.len() + entries.len() > LISTENER_LIMIT {
            return Err(OfferError::TooManyListeners);
        }
        self.offer.listeners.extend(entries);
        Ok(())
    }

    /// Takes the elders of one frame.
    ///
    /// # Errors
    ///
    /// If the offer has more than [`ELDER_LIMIT`] with them.
    pub fn elders(&mut self, entries: Vec<ElderEntry>) -> Result<(), OfferError> {
        if self.offer.elders.len() + entries.len() > ELDER_LIMIT {
            return Err(OfferError::TooManyElders);
        }
        self.offer.elders.extend(entries);
        Ok(())
    }

    /// Takes the states of one frame.
    ///
    /// # Errors
    ///
    /// If the offer has more than [`STATE_LIMIT`] with them.
    pub fn states(&mut self, entries: Vec<StateEntry>) -> Result<(), OfferError> {
        if self.offer.states.len() + entries.len() > STATE_LIMIT {
            return Err(OfferError::TooManyStates);
        }
        self.offer.states.extend(entries);
        Ok(())
    }

    /// The whole offer, if as many came as the old side sent.
    ///
    /// # Errors
    ///
    /// If it is not whole.
    pub fn finish(
        &mut self,
        listeners: u32,
        elders: u32,
        states: u32,
    ) -> Result<Offer, OfferError> {
        let offer = mem::take(&mut self.offer);
        let came = [offer.listeners.len(), offer.elders.len(), offer.states.len()];
        if came != [listeners, elders, states].map(|sent| sent as usize) {
            return Err(OfferError::NotWhole);
        }
        Ok(offer)
    }
}

/// Why an offer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// It has too many listeners.
    #[error("the offer has more than {LISTENER_LIMIT} listeners")]
    TooManyListeners,
    /// It has too many elders.
    #[error("the offer has more than {ELDER_LIMIT} draining generations")]
    TooManyElders,
    /// It has too many states.
    #[error("the offer has more than {STATE_LIMIT} states")]
    TooManyStates,
    /// Some of it did not arrive.
    #[error("the offer does not have as many parts as the old process says")]
    NotWhole,
}
