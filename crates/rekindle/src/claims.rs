//! The claims of a service that is not ready yet: what both faces do.

use std::fmt::Display;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::{ListenerName, RECEIVER_LIMIT, Receiver, STATE_LIMIT, Text};
use rekindle_unix::{Address, BindOptions, SocketKind};
use tracing::warn;

use crate::acceptor::Acceptor;
use crate::datagrams::{self, DatagramTransport};
use crate::inventory::{Inventory, ListenError, address_of, program_name};
use crate::moves::{Mailbox, PROGRAM};
use crate::shared::{Command, Ready, Shared, Stage};
use crate::socket::Socket;
use crate::start::Started;
use crate::states::{Remembered, StateOffer};

/// How long to wait until the driver has told the old process that this one gives up, which takes
/// it microseconds unless a hook of the program holds it up.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

/// What a service claims until it is ready. Dropped before, it gives up.
#[derive(Debug)]
pub(crate) struct Claims {
    shared: Arc<Shared>,
    /// None once it is over.
    inventory: Option<Inventory>,
    mailboxes: Vec<Mailbox>,
    states: Vec<StateOffer>,
    remembered: Remembered,
}

impl Claims {
    pub(crate) fn new(started: Started) -> Self {
        let Started { shared, inventory, remembered } = started;
        let (mailboxes, states) = (Vec::new(), Vec::new());
        Self { shared, inventory: Some(inventory), mailboxes, states, remembered }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn acceptor(
        &mut self,
        name: &str,
        kind: SocketKind,
        address: &str,
    ) -> Result<Acceptor, ListenError> {
        let address = address_of(kind, address)?;
        let held = self.inventory().claim(program_name(name)?, &address, &BindOptions::new())?;
        Ok(Acceptor::new(held, &self.shared))
    }

    pub(crate) fn group(
        &mut self,
        name: &str,
        kind: SocketKind,
        address: &str,
        count: NonZeroU16,
    ) -> Result<Vec<Acceptor>, ListenError> {
        let address = address_of(kind, address)?;
        let options = BindOptions::new().reuse_port(true);
        let group = self.inventory().claim_group(program_name(name)?, &address, count, &options)?;
        Ok(group.into_iter().map(|held| Acceptor::new(held, &self.shared)).collect())
    }

    pub(crate) fn receiver<T: DatagramTransport>(
        &mut self,
        name: &str,
        kind: SocketKind,
        address: &str,
    ) -> Result<datagrams::Receiver<T>, ListenError> {
        let address = address_of(kind, address)?;
        let held = self.inventory().claim(program_name(name)?, &address, &BindOptions::new())?;
        let name = held.name().clone();
        datagrams::Receiver::new(held, self.shared.tracker.clone())
            .map_err(|source| ListenError::Register { name, source })
    }

    pub(crate) fn socket(
        &mut self,
        name: &str,
        address: &Address,
        options: &BindOptions,
    ) -> Result<Socket, ListenError> {
        self.inventory().claim(program_name(name)?, address, options).map(Socket::new)
    }

    pub(crate) fn inherited(&mut self, name: &str) -> Result<Option<Socket>, ListenError> {
        Ok(self.inventory().claim_other(program_name(name)?)?.map(Socket::new))
    }

    pub(crate) fn keep(&mut self, name: &str, descriptor: OwnedFd) -> Result<(), ListenError> {
        self.inventory().keep(program_name(name)?, descriptor)
    }

    /// Where connections arrive that the old process moves here. Not to be asked for twice. Over
    /// the limit none will: those stay with the old process.
    pub(crate) fn mailbox(&mut self, receiver: Receiver, kind: SocketKind) -> Mailbox {
        let mailbox = Mailbox::new(receiver, kind);
        if self.mailboxes.len() < RECEIVER_LIMIT {
            self.mailboxes.push(mailbox.clone());
        } else {
            warn!(name = %mailbox.receiver().name, "too many receivers: no connection moves here");
        }
        mailbox
    }

    /// The same for connections that the two programs speak of themselves.
    pub(crate) fn program_mailbox(
        &mut self,
        name: &str,
        kind: SocketKind,
    ) -> Result<Mailbox, ListenError> {
        let name: ListenerName = program_name(name)?.parse()?;
        let receiver = Receiver { name, protocol: Text::from(PROGRAM) };
        if self.mailboxes.iter().any(|other| *other.receiver() == receiver) {
            return Err(ListenError::NameTaken { name: receiver.name });
        }
        if self.mailboxes.len() >= RECEIVER_LIMIT {
            return Err(ListenError::TooMany);
        }
        Ok(self.mailbox(receiver, kind))
    }

    /// Offers what the program remembers to the next process: `source` is called on the driver's
    /// thread at each upgrade.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "used for ticket keys"))]
    pub(crate) fn offer_state<T: AsRef<[u8]> + 'static>(
        &mut self,
        name: &str,
        source: impl FnMut() -> T + Send + 'static,
    ) -> Result<(), ListenError> {
        let name: ListenerName = name.parse()?;
        if self.states.iter().any(|other| other.name == name) {
            return Err(ListenError::NameTaken { name });
        }
        if self.states.len() >= STATE_LIMIT {
            return Err(ListenError::TooMany);
        }
        self.states.push(StateOffer::new(name, source));
        Ok(())
    }

    /// Takes out what the old process remembered by this name.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "used for ticket keys"))]
    pub(crate) fn state(&mut self, name: &str) -> Option<Vec<u8>> {
        self.remembered.remove(&name.parse::<ListenerName>().ok()?)
    }

    /// The program is ready: the driver gets what was claimed.
    pub(crate) fn ready(mut self) -> Arc<Shared> {
        if let Some(inventory) = self.inventory.take() {
            let (held, claimed) = inventory.finish();
            let mailboxes = std::mem::take(&mut self.mailboxes);
            let states = std::mem::take(&mut self.states);
            self.shared.ask(Command::Ready(Ready { held, claimed, mailboxes, states }));
        }
        Arc::clone(&self.shared)
    }

    /// The program gives up.
    pub(crate) fn fail(mut self, words: &dyn Display) {
        self.give_up(Text::of(words));
    }

    fn give_up(&mut self, words: Text) {
        if self.inventory.take().is_some() {
            self.mailboxes.iter().for_each(Mailbox::end);
            self.shared.ask(Command::Abandon(words));
            // The program exits next. The old process is to know why, and not only that it did.
            self.shared.stage.until_blocking_for(FAREWELL_PATIENCE, |stage| {
                (*stage != Stage::Starting).then_some(())
            });
        }
    }

    fn inventory(&mut self) -> &mut Inventory {
        self.inventory.get_or_insert_default()
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.give_up(Text::from("the program gave up before it was ready"));
    }
}
