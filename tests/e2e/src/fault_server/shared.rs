//! What the connections of a fault server share. Owns the numbers and the twists to come; refuses
//! to touch a socket.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::connection::Order;
use super::ledger::Ledger;
use super::request::Request;
use crate::fault::Twist;

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) ledger: Ledger,
    restarts: AtomicU32,
    answered: AtomicU64,
    twists: Mutex<Vec<Twist>>,
    /// Twists that were added, and not carried out.
    untwisted: AtomicUsize,
    connections: Mutex<Vec<mpsc::UnboundedSender<Order>>>,
}

impl Shared {
    /// How many restarts have begun.
    pub(super) fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::SeqCst)
    }

    /// The generation that answers: the first is 1.
    pub(super) fn generation(&self) -> u32 {
        self.restarts() + 1
    }

    pub(super) fn begin_restart(&self) {
        self.restarts.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_answer(&self) {
        self.answered.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// So many of the next answers get this twist.
    pub(super) fn add_twists(&self, twist: Twist, count: usize) {
        self.untwisted.fetch_add(count, Ordering::SeqCst);
        self.twists.lock().unwrap().extend(vec![twist; count]);
    }

    /// Takes the next twist that suits this request.
    pub(super) fn twist_for(&self, request: &Request) -> Option<Twist> {
        let mut twists = self.twists.lock().unwrap();
        let place = twists.iter().position(|twist| request.suits(*twist))?;
        Some(twists.remove(place))
    }

    /// A twist was carried out, and what it did is in the ledger.
    pub(super) fn twisted(&self) {
        self.untwisted.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether all twists were carried out.
    pub(super) fn is_straight(&self) -> bool {
        self.untwisted.load(Ordering::SeqCst) == 0
    }

    /// A new connection can be ordered about.
    pub(super) fn enlist(&self) -> mpsc::UnboundedReceiver<Order> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.connections.lock().unwrap().push(sender);
        receiver
    }

    /// Sends an order to each connection that there is.
    pub(super) fn order(&self, order: impl Fn() -> Order) {
        self.connections.lock().unwrap().retain(|connection| connection.send(order()).is_ok());
    }
}
