//! The messages on the channel between an old process and a new one.
//!
//! ```text
//! new → old   Hello  Takes  Ready  Failed  Serving  Confirmed  Hammer  Recall  Taken
//! old → new   Welcome  Refused  Listeners+fds  Elders+fds  States+fds  OfferEnd  Commit
//!             Heard  Recalled  Moved+fds  InFlight  Farewell
//! broker      Introduce+fd, to a process that serves: "your successor is at the other end"
//! ```
//!
//! A message is one CBOR array of a number and its fields. Fields that a later version adds come
//! last and are optional, so that an older reader skips them.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::generation::Generation;
use crate::listener::{ListenerEntry, ListenerName};
use crate::moved::{MovedEntry, Receiver};
use crate::reason::Reason;
use crate::recall::{Then, Turn};
use crate::text::Text;
use crate::version::{Version, VersionRange};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Message {
    /// New → old, first: who is there.
    #[n(0)]
    Hello {
        /// The versions of the protocol that the new side speaks.
        #[n(0)]
        versions: VersionRange,
        /// Its process id.
        #[n(1)]
        pid: u32,
        /// The build that it runs, for the log.
        #[n(2)]
        build: Text,
    },
    /// Old → new: the version in use from here on, and the new side's generation.
    #[n(1)]
    Welcome {
        /// The version in use.
        #[n(0)]
        version: Version,
        /// The generation that the new process is, if it takes over.
        #[n(1)]
        generation: Generation,
        /// The old side's process id.
        #[n(2)]
        old_pid: u32,
        /// How long the new process may take until it is ready, in milliseconds.
        #[n(3)]
        start_timeout_ms: u64,
        /// The old side's generation.
        #[n(4)]
        old_generation: Generation,
    },
    /// Old → new: there will be no upgrade with this process.
    #[n(2)]
    Refused {
        /// Why.
        #[n(0)]
        reason: Reason,
    },
    /// Old → new: some listeners of the offer, a descriptor each.
    #[n(3)]
    Listeners {
        /// In the order of the descriptors.
        #[n(0)]
        entries: Vec<ListenerEntry>,
    },
    /// Old → new: some older generations that still drain, the end of a channel to each.
    #[n(4)]
    Elders {
        /// In the order of the descriptors.
        #[n(0)]
        entries: Vec<ElderEntry>,
    },
    /// Old → new: the offer is whole, if it counts so many.
    #[n(5)]
    OfferEnd {
        /// How many listeners it has.
        #[n(0)]
        listeners: u32,
        /// How many elders it has.
        #[n(1)]
        elders: u32,
        /// How many states it has.
        #[n(2)]
        states: u32,
    },
    /// New → old: it can serve.
    #[n(6)]
    Ready {
        /// The listeners that it wants, by position in the offer.
        #[n(0)]
        claimed: Vec<u32>,
    },
    /// New → old: it cannot go on, and why.
    #[n(7)]
    Failed {
        /// For the verdict.
        #[n(0)]
        words: Text,
    },
    /// Old → new: from here on the new one accepts and the old one does not.
    #[n(8)]
    Commit,
    /// New → old: it accepts, and says so to the world (pid file, service manager).
    #[n(9)]
    Serving,
    /// New → old: it shall not be rolled back any more.
    #[n(10)]
    Confirmed,
    /// Old → new: how much the old one still has in flight.
    #[n(11)]
    InFlight {
        /// Connections and other guarded work.
        #[n(0)]
        count: u64,
    },
    /// New → old: cut what is still in flight.
    #[n(12)]
    Hammer,
    /// Old → new, last: its drain is over.
    #[n(13)]
    Farewell {
        /// How much was cut at the drain deadline or by the hammer.
        #[n(0)]
        cut: u64,
        /// How many connections newer processes took over from it.
        #[n(1)]
        moved: u64,
    },
    /// Broker → old: your successor is at the other end of this descriptor.
    #[n(14)]
    Introduce {
        /// The successor's process id, for the log.
        #[n(0)]
        pid: u32,
    },
    /// New → old, before [`Message::Ready`], any number of times: connections that it takes over.
    #[n(15)]
    Takes {
        /// What they are for.
        #[n(0)]
        receivers: Vec<Receiver>,
    },
    /// Old → new: established connections, a descriptor each.
    #[n(16)]
    Moved {
        /// The number of this batch, from 0, in the life of the process that sends it.
        #[n(0)]
        batch: u64,
        /// In the order of the descriptors.
        #[n(1)]
        entries: Vec<MovedEntry>,
    },
    /// New → old: the connections of a batch are the new one's, which has not touched them before.
    #[n(17)]
    Taken {
        /// The number of the batch.
        #[n(0)]
        batch: u64,
        /// Those that it does not take, by position in the batch: they stay the old one's.
        #[n(1)]
        refused: Vec<u32>,
    },
    /// Old → new: some states of the offer, a descriptor each.
    #[n(18)]
    States {
        /// In the order of the descriptors.
        #[n(0)]
        entries: Vec<StateEntry>,
    },
    /// Old → new: that it serves was heard. What older generations send is its to read from here
    /// on, and the old process will not read it again as long as the new one lives.
    #[n(19)]
    Heard,
    /// Newest → elder: another process may have read what was sent before, or a frame was lost.
    /// Of what was sent and not taken nothing will be taken any more.
    #[n(20)]
    Recall {
        /// Which request it is of all.
        #[n(0)]
        turn: Turn,
        /// What becomes of those connections.
        #[n(1)]
        then: Then,
    },
    /// Elder → newest: what was sent before this is not the reader's to take.
    #[n(21)]
    Recalled {
        /// Which request it answers.
        #[n(0)]
        turn: Turn,
    },
}

/// An older generation that still drains, in an offer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ElderEntry {
    /// Its generation.
    #[n(0)]
    pub generation: Generation,
    /// Its process id.
    #[n(1)]
    pub pid: u32,
    /// What it last said to have in flight.
    #[n(2)]
    pub in_flight: u64,
}

/// What is in one of the old process's memories, in an offer. Its descriptor is a memory file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StateEntry {
    /// The name by which the program asks for it.
    #[n(0)]
    pub name: ListenerName,
    /// How long it is.
    #[n(1)]
    pub length_bytes: u64,
}

impl Message {
    /// The message's name, for logs and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "Hello",
            Self::Welcome { .. } => "Welcome",
            Self::Refused { .. } => "Refused",
            Self::Listeners { .. } => "Listeners",
            Self::Elders { .. } => "Elders",
            Self::OfferEnd { .. } => "OfferEnd",
            Self::Ready { .. } => "Ready",
            Self::Failed { .. } => "Failed",
            Self::Commit => "Commit",
            Self::Serving => "Serving",
            Self::Confirmed => "Confirmed",
            Self::InFlight { .. } => "InFlight",
            Self::Hammer => "Hammer",
            Self::Farewell { .. } => "Farewell",
            Self::Introduce { .. } => "Introduce",
            Self::Takes { .. } => "Takes",
            Self::Moved { .. } => "Moved",
            Self::Taken { .. } => "Taken",
            Self::States { .. } => "States",
            Self::Heard => "Heard",
            Self::Recall { .. } => "Recall",
            Self::Recalled { .. } => "Recalled",
        }
    }

    /// How many descriptors have to come with the message.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        match self {
            Self::Listeners { entries } => entries.len(),
            Self::Elders { entries } => entries.len(),
            Self::Introduce { .. } => 1,
            Self::Moved { entries, .. } => entries.len(),
            Self::States { entries } => entries.len(),
            Self::Hello { .. }
            | Self::Welcome { .. }
            | Self::Refused { .. }
            | Self::OfferEnd { .. }
            | Self::Ready { .. }
            | Self::Failed { .. }
            | Self::Commit
            | Self::Serving
            | Self::Confirmed
            | Self::InFlight { .. }
            | Self::Hammer
            | Self::Farewell { .. }
            | Self::Takes { .. }
            | Self::Taken { .. }
            | Self::Heard
            | Self::Recall { .. }
            | Self::Recalled { .. } => 0,
        }
    }
}
