//! The channels to the older generations that still drain.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rekindle_core::{ElderEntry, Event, Generation, Intake, Message};
use rekindle_unix::Channel;
use tracing::{debug, info, warn};

use super::Driver;
use super::arrivals::Delivery;
use crate::link::{Arrival, Link};

/// One link to each elder.
#[derive(Debug, Default)]
pub(super) struct ElderLinks {
    links: BTreeMap<Generation, ElderLink>,
}

/// The channel to an elder, and the machine of what it moves here.
#[derive(Debug)]
pub(super) struct ElderLink {
    pub(super) link: Link,
    pub(super) intake: Intake<Delivery>,
}

impl ElderLinks {
    /// Adds the old process, whose words nobody but us reads.
    pub(super) fn insert(&mut self, us: Generation, generation: Generation, link: Link) {
        self.links.insert(generation, ElderLink { link, intake: Intake::open(us) });
    }

    /// Adds an elder that was passed on to us. One whose descriptor is no channel is left out.
    pub(super) fn adopt(
        &mut self,
        us: Generation,
        entry: &ElderEntry,
        descriptor: OwnedFd,
    ) -> bool {
        match Channel::from_owned(descriptor) {
            Ok(channel) => {
                let (link, intake) = (Link::new(channel), Intake::shut(us));
                self.links.insert(entry.generation, ElderLink { link, intake });
                true
            }
            Err(error) => {
                warn!(generation = %entry.generation, %error, "an elder was passed on wrongly");
                false
            }
        }
    }

    pub(super) fn send(&mut self, generation: Generation, message: &Message) {
        if let Some(elder) = self.links.get_mut(&generation) {
            elder.link.post(message);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Generation, &Link)> {
        self.links.iter().map(|(generation, elder)| (*generation, &elder.link))
    }

    /// Another end of the channel to this elder, to be passed on.
    pub(super) fn duplicate(&self, generation: Generation) -> Option<Arc<OwnedFd>> {
        self.links.get(&generation)?.link.duplicate().map(Arc::new).ok()
    }

    pub(super) fn get_mut(&mut self, generation: Generation) -> Option<&mut ElderLink> {
        self.links.get_mut(&generation)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut ElderLink> {
        self.links.values_mut()
    }

    /// Begins to read what this elder sends.
    pub(super) fn begin_to_read(&mut self, generation: Generation) {
        if let Some(elder) = self.links.get_mut(&generation) {
            elder.link.post(&elder.intake.begin());
        }
    }

    /// Another process reads what they send from here on.
    pub(super) fn leave(&mut self) {
        self.all_mut().for_each(|elder| elder.intake.leave());
    }

    pub(super) fn release(&mut self) {
        self.links.clear();
    }

    pub(super) fn flush(&mut self) {
        self.all_mut().for_each(|elder| elder.link.flush());
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.links.values().filter_map(|elder| elder.link.retry_at()).min()
    }
}

impl Driver {
    /// Takes in what an elder said, as long as it is this process that reads it.
    pub(super) fn pump_elder(&mut self, generation: Generation) {
        while self.life.reads(generation) {
            let Some(elder) = self.elders.get_mut(generation) else { return };
            match elder.link.receive(&mut self.buffer) {
                Arrival::Message(message, descriptors) => {
                    self.hear_elder(generation, message, descriptors);
                }
                Arrival::Garbage(error) => {
                    warn!(%generation, %error, "from an elder");
                    if let Some(recall) = elder.intake.lost() {
                        elder.link.post(&recall);
                    }
                }
                Arrival::EndOfFile => {
                    info!(%generation, "an older generation has left");
                    let left = self.elders.links.remove(&generation).map(|elder| elder.intake);
                    self.deliver(left.into_iter().flat_map(Intake::end_of_file).collect());
                    self.life.handle(self.clock.now(), Event::ElderGone(generation));
                }
                Arrival::Nothing => return,
            }
            self.carry_out();
        }
    }

    fn hear_elder(&mut self, generation: Generation, message: Message, fds: Vec<OwnedFd>) {
        debug!(%generation, message = message.name(), "from an elder");
        match message {
            Message::Moved { batch, entries } => {
                return self.take_in(generation, batch, entries, fds);
            }
            Message::Recalled { turn } => {
                if let Some(elder) = self.elders.get_mut(generation) {
                    elder.intake.recalled(turn);
                }
            }
            Message::Farewell { cut, moved } => {
                info!(%generation, cut, moved, "an older generation has drained");
            }
            _ => {}
        }
        self.life.handle(self.clock.now(), Event::Elder(generation, message));
    }
}
