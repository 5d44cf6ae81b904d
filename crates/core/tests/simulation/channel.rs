//! A channel: a socket pair that carries frames and the ends of other channels.

use std::collections::VecDeque;

use rekindle_core::Instant;

use crate::moving::Connection;

/// One end of a channel. As a descriptor, it may be held by several processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) channel: usize,
    pub(crate) side: Side,
}

/// Whose end it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

impl End {
    /// The other end of the same channel.
    pub(crate) const fn peer(self) -> Self {
        let side = match self.side {
            Side::Old => Side::New,
            Side::New => Side::Old,
        };
        Self { side, ..self }
    }
}

/// What was sent at once.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) due: Instant,
    pub(crate) bytes: Vec<u8>,
    /// How many descriptors came along, of listeners or of what is below.
    pub(crate) descriptors: usize,
    pub(crate) ends: Vec<End>,
    /// Which connections came along.
    pub(crate) connections: Vec<Connection>,
}

/// What is under way to each end.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    to_old: VecDeque<Frame>,
    to_new: VecDeque<Frame>,
}

impl Channel {
    pub(crate) const fn to(&self, side: Side) -> &VecDeque<Frame> {
        match side {
            Side::Old => &self.to_old,
            Side::New => &self.to_new,
        }
    }

    pub(crate) const fn to_mut(&mut self, side: Side) -> &mut VecDeque<Frame> {
        match side {
            Side::Old => &mut self.to_old,
            Side::New => &mut self.to_new,
        }
    }
}
