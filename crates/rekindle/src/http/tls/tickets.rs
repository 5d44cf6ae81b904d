//! The session tickets of a process: one set of keys for all its TLS listeners, which goes to the
//! next process with the offer. So a client that comes again after an upgrade resumes its session.
//!
//! It refuses to fail: keys that cannot be read are replaced by fresh ones.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::server::ProducesTickets;
use tracing::warn;
use zeroize::Zeroizing;

use crate::claims::Claims;
use crate::http::tls::keyring::{KEY_LIFETIME_S, Keyring};
use crate::http::tls::realm::Realm;

/// By which name the next process finds the keys in the offer.
const STATE_NAME: &str = "rekindle.tls.tickets";

/// The keys of this process. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tickets {
    keyring: Arc<RwLock<Keyring>>,
}

impl Tickets {
    /// Those of a process: it goes on with the keys of the one before, and leaves its own to the
    /// next.
    pub(crate) fn of(claims: &mut Claims) -> Self {
        let left = claims.state(STATE_NAME).map(Zeroizing::new);
        let tickets = Self::adopt(left.as_ref().map(|left| left.as_slice()));
        let source = tickets.clone();
        if let Err(error) = claims.offer_state(STATE_NAME, move || source.state()) {
            warn!(%error, "no session resumes in the next process");
        }
        tickets
    }

    /// Goes on with the keys of the process before, if it left any.
    pub(crate) fn adopt(state: Option<&[u8]>) -> Self {
        let keyring = state.and_then(|bytes| {
            let decoded = Keyring::decode(bytes);
            decoded.inspect_err(|error| warn!(%error, "no session of before resumes")).ok()
        });
        Self { keyring: Arc::new(RwLock::new(keyring.unwrap_or_default())) }
    }

    /// The keys, for the next process.
    pub(crate) fn state(&self) -> Zeroizing<Vec<u8>> {
        self.with_keys(now_s(), Keyring::encode)
    }

    /// What rustls asks for tickets of this realm.
    pub(crate) fn producer(&self, realm: Realm) -> Arc<dyn ProducesTickets> {
        Arc::new(Producer { tickets: self.clone(), realm })
    }

    fn with_keys<T>(&self, now_s: u64, act: impl FnOnce(&Keyring) -> T) -> T {
        let keyring = self.keyring.read().unwrap_or_else(PoisonError::into_inner);
        if !keyring.is_due(now_s) {
            return act(&keyring);
        }
        drop(keyring);
        let mut keyring = self.keyring.write().unwrap_or_else(PoisonError::into_inner);
        // Another one may have done it meanwhile, and then this changes nothing.
        keyring.rotate(now_s);
        act(&keyring)
    }
}

struct Producer {
    tickets: Tickets,
    realm: Realm,
}

impl ProducesTickets for Producer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(KEY_LIFETIME_S).expect("hours fit")
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let now_s = now_s();
        self.tickets.with_keys(now_s, |keyring| keyring.seal(now_s, &self.realm, plain))
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let now_s = now_s();
        self.tickets.with_keys(now_s, |keyring| keyring.open(now_s, &self.realm, ticket))
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Producer").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Seconds since 1970: the only clock that two processes share over a restart of the machine.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_process_opens_what_this_one_sealed() {
        let ours = Tickets::adopt(None);
        let ticket = ours.producer(Realm::of_policy("a")).encrypt(b"x").unwrap();
        let next = Tickets::adopt(Some(&ours.state()));
        let opened = next.producer(Realm::of_policy("a")).decrypt(&ticket);
        assert_eq!(opened.as_deref(), Some(&b"x"[..]));
        assert_eq!(next.producer(Realm::of_policy("b")).decrypt(&ticket), None);
        assert_eq!(next.state(), ours.state());
    }

    #[test]
    fn broken_keys_are_replaced_by_fresh_ones() {
        let tickets = Tickets::adopt(Some(b"broken"));
        let producer = tickets.producer(Realm::of_policy("a"));
        let ticket = producer.encrypt(b"x").unwrap();
        assert_eq!(producer.decrypt(&ticket).as_deref(), Some(&b"x"[..]));
    }
}
