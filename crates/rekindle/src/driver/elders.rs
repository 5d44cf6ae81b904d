//! The channels to the older generations that still drain.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rekindle_core::{ElderEntry, Event, Generation, Message};
use rekindle_unix::Channel;
use tracing::{debug, info, warn};

use super::Driver;
use crate::link::{Arrival, Link};

/// One link to each elder.
#[derive(Debug, Default)]
pub(super) struct ElderLinks {
    links: BTreeMap<Generation, Link>,
}

impl ElderLinks {
    pub(super) fn insert(&mut self, generation: Generation, link: Link) {
        self.links.insert(generation, link);
    }

    /// Adds an elder that was passed on to us. One whose descriptor is no channel is left out.
    pub(super) fn adopt(&mut self, entry: &ElderEntry, descriptor: OwnedFd) -> bool {
        match Channel::from_owned(descriptor) {
            Ok(channel) => {
                self.insert(entry.generation, Link::new(channel));
                true
            }
            Err(error) => {
                warn!(generation = %entry.generation, %error, "an elder was passed on wrongly");
                false
            }
        }
    }

    pub(super) fn send(&mut self, generation: Generation, message: &Message) {
        if let Some(link) = self.links.get_mut(&generation) {
            link.post(message);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Generation, &Link)> {
        self.links.iter().map(|(generation, link)| (*generation, link))
    }

    /// Another end of the channel to this elder, to be passed on.
    pub(super) fn duplicate(&self, generation: Generation) -> Option<Arc<OwnedFd>> {
        self.links.get(&generation)?.duplicate().map(Arc::new).ok()
    }

    pub(super) fn release(&mut self) {
        self.links.clear();
    }

    pub(super) fn flush(&mut self) {
        self.links.values_mut().for_each(Link::flush);
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.links.values().filter_map(Link::retry_at).min()
    }
}

impl Driver {
    /// Takes in what an elder said.
    pub(super) fn pump_elder(&mut self, generation: Generation) {
        while let Some(link) = self.elders.links.get_mut(&generation) {
            match link.receive(&mut self.buffer) {
                Arrival::Message(Message::Farewell { cut }, _) => {
                    info!(%generation, cut, "an older generation has drained");
                }
                Arrival::Message(message, _) => {
                    debug!(%generation, message = message.name(), "from an elder");
                    self.life.handle(self.clock.now(), Event::Elder(generation, message));
                }
                Arrival::Garbage(error) => warn!(%generation, %error, "from an elder"),
                Arrival::EndOfFile => {
                    info!(%generation, "an older generation has left");
                    self.elders.links.remove(&generation);
                    self.life.handle(self.clock.now(), Event::ElderGone(generation));
                }
                Arrival::Nothing => break,
            }
        }
    }
}
