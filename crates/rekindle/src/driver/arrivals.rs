//! Moves into this process: what elders send, checked, taken, and brought to whoever serves it.

use std::os::fd::{AsFd, OwnedFd};

use rekindle_core::{Generation, MovedEntry};
use rekindle_unix::verify_connection;
use tracing::debug;

use super::Driver;
use crate::moves::{Arrival, Mailbox};
use crate::telemetry;

/// A connection that came, and where it goes once the elder was told that it is taken.
#[derive(Debug)]
pub(super) struct Delivery {
    mailbox: Mailbox,
    arrival: Arrival,
}

impl Driver {
    /// A batch came from an elder. It is not touched before the elder was told.
    pub(super) fn take_in(
        &mut self,
        generation: Generation,
        batch: u64,
        entries: Vec<MovedEntry>,
        descriptors: Vec<OwnedFd>,
    ) {
        let mut connections = Vec::with_capacity(entries.len());
        let mut refused = Vec::new();
        for (position, (entry, descriptor)) in (0u32..).zip(entries.into_iter().zip(descriptors)) {
            match self.delivery(entry, descriptor) {
                Some(delivery) => connections.push(delivery),
                None => refused.push(position),
            }
        }
        if let Some(elder) = self.elders.get_mut(generation) {
            elder.intake.moved(batch, connections, refused);
        }
        self.answer_elders();
    }

    /// It counts as in flight here before it stops to count there.
    fn delivery(&self, entry: MovedEntry, descriptor: OwnedFd) -> Option<Delivery> {
        let MovedEntry { receiver, bytes } = entry;
        let guard = self.shared.tracker.guard();
        let Some(mailbox) = self.mailboxes.iter().find(|it| *it.receiver() == receiver) else {
            debug!(name = %receiver.name, "a connection came that nobody here asked for");
            return None;
        };
        if !mailbox.is_attended() {
            return None;
        }
        let peer = verify_connection(descriptor.as_fd(), mailbox.kind())
            .inspect_err(|error| {
                debug!(name = %receiver.name, %error, "a connection is not taken");
            })
            .ok()?;
        let arrival = Arrival { descriptor, peer, guard, bytes };
        Some(Delivery { mailbox: mailbox.clone(), arrival })
    }

    /// Tells elders what is taken, as far as there is room, and delivers that.
    pub(super) fn answer_elders(&mut self) {
        let mut deliveries = Vec::new();
        for elder in self.elders.all_mut() {
            while let Some(taken) = elder.intake.word() {
                if !elder.link.post_now(&taken) {
                    break;
                }
                deliveries.append(&mut elder.intake.told());
            }
        }
        self.deliver(deliveries);
    }

    /// These are ours.
    pub(super) fn deliver(&mut self, deliveries: Vec<Delivery>) {
        let count = u64::try_from(deliveries.len()).unwrap_or(u64::MAX);
        self.moved_in = self.moved_in.saturating_add(count);
        telemetry::moved_in(count);
        // A batch is one piece of news: whoever waits is woken once for it.
        let mut batches: Vec<(Mailbox, Vec<Arrival>)> = Vec::new();
        for Delivery { mailbox, arrival } in deliveries {
            match batches.iter_mut().find(|(it, _)| it.receiver() == mailbox.receiver()) {
                Some((_, batch)) => batch.push(arrival),
                None => batches.push((mailbox, vec![arrival])),
            }
        }
        for (mailbox, batch) in batches {
            mailbox.deliver(batch);
        }
    }
}
