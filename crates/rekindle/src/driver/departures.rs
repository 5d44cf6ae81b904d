//! Moves out of this process: what the program gives away, sent to the newest process.

use std::sync::Arc;

use rekindle_core::{Message, MoveAction, Receiver};
use tracing::debug;

use super::Driver;
use crate::moves::{Departure, Outlook};
use crate::telemetry;

impl Driver {
    /// A newer process serves: it takes these over.
    pub(super) fn open_moves(&mut self, receivers: Vec<Receiver>) {
        debug!(receivers = receivers.len(), "connections can move");
        self.moves.open(receivers.clone());
        let outlook = Outlook::Successor(receivers.into());
        self.shared.outbox.outlook().change(|current| *current = outlook);
    }

    /// There is nobody to move connections to any more. What is sent and not taken is ours again:
    /// all that the newest process ever said was read before its end of file.
    pub(super) fn close_moves(&mut self) {
        self.shared.outbox.outlook().change(|current| *current = Outlook::Nobody);
        if let Some(successor) = &mut self.successor {
            successor.link.discard();
        }
        self.moves.close();
        // What else a roll back takes has its time: no connection has to wait for it.
        self.move_on();
    }

    /// No move is waited for any more. What is under way may arrive or not.
    pub(super) fn cut_moves(&mut self) {
        self.shared.outbox.outlook().change(|current| *current = Outlook::Nobody);
        self.moves.cut();
        self.settle_moves();
    }

    /// What the newest process said that is about moves.
    pub(super) fn hear_of_moves(&mut self, message: &Message) {
        if let Message::Taken { batch, refused } = message {
            self.moves.taken(*batch, refused);
        }
        if let Message::Recall { turn, then } = message {
            self.moves.recall(*turn, *then);
        }
    }

    /// Takes in what the program gives away, settles what is settled, and sends what there is room
    /// for. The link never has more than one batch to wait for: what it drops when it is stuck are
    /// other words.
    pub(super) fn move_on(&mut self) {
        self.shared.outbox.collect(&mut self.departures);
        for Departure { entry, parcel } in self.departures.drain(..) {
            self.moves.hand_over(parcel, entry);
        }
        self.settle_moves();
        self.send_moves();
        // Once an answer is out, so is what stays by it.
        self.settle_moves();
        self.shared.outbox.want(self.moves.wanted());
    }

    fn settle_moves(&mut self) {
        while let Some(action) = self.moves.poll_action() {
            match action {
                MoveAction::Gone(parcel) => {
                    telemetry::moved_out();
                    parcel.gone();
                }
                MoveAction::GivenBack(parcel, entry, refusal) => {
                    debug!(name = %entry.receiver.name, %refusal, "a connection stays");
                    parcel.give_back(entry.bytes, refusal);
                }
                MoveAction::Lost(parcel) => parcel.lose(),
            }
        }
    }

    fn send_moves(&mut self) {
        let Some(successor) = &mut self.successor else { return };
        while successor.link.is_idle() {
            let Some(message) = self.moves.poll_message() else { return };
            let descriptors = self.moves.batch(&message);
            let descriptors = descriptors.map(|it| Arc::clone(&it.descriptor)).collect();
            successor.link.post_with(&message, descriptors);
        }
    }
}
