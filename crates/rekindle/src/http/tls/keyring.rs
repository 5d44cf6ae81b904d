//! The keys that session tickets are sealed with: their making, rotation and form on the channel.
//!
//! A client that comes again shows its ticket, and the handshake is shorter. The server keeps
//! nothing but these keys, so a resumption works in any process that has them. It owns no clock
//! and no lock: who calls says what time it is.
//!
//! ```text
//!           6 h               6 h
//!   current ───► previous ───────► erased
//!   seals, opens  opens only
//! ```
//!
//! It refuses to be the reason that something fails: whatever is missing or broken here makes one
//! handshake longer, and no more.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::http::tls::realm::Realm;

/// How long a key seals new tickets, and for how long after that it still opens them: a ticket is
/// good for at least as long. In seconds.
///
/// Nonces are drawn at random, which is sound for 2³² tickets a key: 200,000 a second.
pub(crate) const KEY_LIFETIME_S: u64 = 6 * 60 * 60;

/// The current key and the previous one.
const KEY_LIMIT: usize = 2;

/// The first byte of what [`Keyring::encode`] makes.
const ENCODING: u8 = 1;

const NAME_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = NAME_BYTES + SECRET_BYTES + size_of::<u64>();
const HEAD_BYTES: usize = 2;

/// The keys, the current one first.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    /// Stands in front of each ticket, in the clear.
    name: [u8; NAME_BYTES],
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// Seconds since 1970.
    made_at_s: u64,
}

/// Why keys of another process are not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyringError {
    #[error("read ticket keys: encoding {0} is not known here")]
    Encoding(u8),
    #[error("read ticket keys: {length_bytes} bytes are not what {keys} keys take")]
    Length { keys: usize, length_bytes: usize },
}

impl Keyring {
    /// Whether [`Keyring::rotate`] would change something.
    pub(crate) fn is_due(&self, now_s: u64) -> bool {
        self.keys.first().is_none_or(|key| key.age_s(now_s) >= KEY_LIFETIME_S)
    }

    /// Makes a new current key if that is due, and erases what is too old. Without randomness
    /// there are no new tickets.
    pub(crate) fn rotate(&mut self, now_s: u64) {
        for key in &mut self.keys {
            // The clock was set back: without this, the key would last until it is there again.
            key.made_at_s = key.made_at_s.min(now_s);
        }
        if self.is_due(now_s)
            && let Some(key) = Key::random(now_s)
        {
            self.keys.insert(0, key);
        }
        self.keys.truncate(KEY_LIMIT);
        self.keys.retain(|key| key.opens(now_s));
    }

    /// A ticket with `plain` in it, good only in this realm.
    pub(crate) fn seal(&self, now_s: u64, realm: &Realm, plain: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.first().filter(|key| key.age_s(now_s) < KEY_LIFETIME_S)?;
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let head_bytes = NAME_BYTES + NONCE_BYTES;
        let length_bytes = head_bytes + plain.len() + CHACHA20_POLY1305.tag_len();
        let mut ticket = Vec::with_capacity(length_bytes);
        ticket.extend(key.name);
        ticket.extend(nonce);
        ticket.extend(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = &mut ticket[head_bytes..];
        let tag = key.cipher()?.seal_in_place_separate_tag(nonce, key.bound_to(realm), sealed);
        ticket.extend(tag.ok()?.as_ref());
        Some(ticket)
    }

    /// What is in a ticket, if we made it, in this realm, and not too long ago. Anybody can send
    /// anything as a ticket.
    pub(crate) fn open(&self, now_s: u64, realm: &Realm, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME_BYTES>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let key = self.keys.iter().find(|key| key.name == *name && key.opens(now_s))?;
        let mut plain = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length_bytes =
            key.cipher()?.open_in_place(nonce, key.bound_to(realm), &mut plain).ok()?.len();
        plain.truncate(length_bytes);
        Some(plain)
    }

    /// The keys for the next process.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Its room is enough from the first: when it grows, nobody erases what it leaves behind.
        let length_bytes = HEAD_BYTES + self.keys.len() * KEY_BYTES;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length_bytes));
        let count = u8::try_from(self.keys.len()).expect("there are two at most");
        bytes.extend([ENCODING, count]);
        for key in &self.keys {
            bytes.extend(key.name);
            bytes.extend(key.secret.as_slice());
            bytes.extend(key.made_at_s.to_be_bytes());
        }
        bytes
    }

    /// The keys of the process before.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, KeyringError> {
        let length_bytes = bytes.len();
        let Some(([encoding, count], body)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Err(KeyringError::Length { keys: 0, length_bytes });
        };
        if *encoding != ENCODING {
            return Err(KeyringError::Encoding(*encoding));
        }
        let keys = usize::from(*count);
        let (chunks, rest) = body.as_chunks::<KEY_BYTES>();
        if keys > KEY_LIMIT || chunks.len() != keys || !rest.is_empty() {
            return Err(KeyringError::Length { keys, length_bytes });
        }
        Ok(Self { keys: chunks.iter().filter_map(Key::decode).collect() })
    }
}

impl Key {
    fn random(now_s: u64) -> Option<Self> {
        let (mut name, mut secret) = ([0; NAME_BYTES], Zeroizing::new([0; SECRET_BYTES]));
        let random = SystemRandom::new();
        random.fill(&mut name).ok()?;
        random.fill(secret.as_mut_slice()).ok()?;
        Some(Self { name, secret, made_at_s: now_s })
    }

    fn decode(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk()?;
        let (secret, made_at) = rest.split_first_chunk()?;
        let made_at_s = u64::from_be_bytes(*made_at.first_chunk()?);
        Some(Self { name: *name, secret: Zeroizing::new(*secret), made_at_s })
    }

    fn age_s(&self, now_s: u64) -> u64 {
        now_s.saturating_sub(self.made_at_s)
    }

    fn opens(&self, now_s: u64) -> bool {
        self.age_s(now_s) < 2 * KEY_LIFETIME_S
    }

    /// Made for each use, which costs this cipher nothing: the only lasting copy is the one that
    /// is erased.
    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, self.secret.as_slice()).ok().map(LessSafeKey::new)
    }

    fn bound_to(&self, realm: &Realm) -> Aad<Vec<u8>> {
        Aad::from([&self.name[..], realm.as_bytes()].concat())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name: _, secret: _, made_at_s } = self;
        formatter.debug_struct("Key").field("made_at_s", made_at_s).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_S: u64 = 1_800_000_000;
    const PLAIN: &[u8] = b"a session";

    fn realm() -> Realm {
        Realm::of_policy("tests")
    }

    fn keyring(now_s: u64) -> Keyring {
        let mut keyring = Keyring::default();
        keyring.rotate(now_s);
        keyring
    }

    fn ticket(keyring: &Keyring, now_s: u64) -> Vec<u8> {
        keyring.seal(now_s, &realm(), PLAIN).unwrap()
    }

    #[test]
    fn a_ticket_opens_where_it_was_made_and_where_the_keys_went() {
        let ours = keyring(NOW_S);
        let theirs = Keyring::decode(&ours.encode()).unwrap();
        let made = ticket(&ours, NOW_S);
        assert_eq!(ours.open(NOW_S, &realm(), &made).as_deref(), Some(PLAIN));
        assert_eq!(theirs.open(NOW_S, &realm(), &made).as_deref(), Some(PLAIN));
        let back = ticket(&theirs, NOW_S);
        assert_eq!(ours.open(NOW_S, &realm(), &back).as_deref(), Some(PLAIN));
        assert_eq!(keyring(NOW_S).open(NOW_S, &realm(), &made), None, "keys of somebody else");
    }

    #[test]
    fn a_ticket_is_good_in_its_realm_only() {
        let keyring = keyring(NOW_S);
        let made = ticket(&keyring, NOW_S);
        assert_eq!(keyring.open(NOW_S, &Realm::of_policy("others"), &made), None);
    }

    #[test]
    fn a_ticket_shows_nothing_of_what_is_in_it_and_no_two_are_the_same() {
        let keyring = keyring(NOW_S);
        let (one, other) = (ticket(&keyring, NOW_S), ticket(&keyring, NOW_S));
        assert!(!one.windows(PLAIN.len()).any(|window| window == PLAIN));
        assert_ne!(one[NAME_BYTES..], other[NAME_BYTES..]);
    }

    #[test]
    fn a_key_seals_for_one_lifetime_and_opens_for_another() {
        let mut keyring = keyring(NOW_S);
        let last = NOW_S + KEY_LIFETIME_S - 1;
        let made = ticket(&keyring, last);
        assert!(!keyring.is_due(last));
        let next = last + 1;
        assert!(keyring.is_due(next));
        assert_eq!(keyring.seal(next, &realm(), PLAIN), None, "the old key seals no more");
        keyring.rotate(next);
        assert_eq!(keyring.keys.len(), 2);
        assert_ne!(ticket(&keyring, next)[..NAME_BYTES], made[..NAME_BYTES]);
        let end = NOW_S + 2 * KEY_LIFETIME_S;
        assert!(keyring.open(end - 1, &realm(), &made).is_some());
        assert_eq!(keyring.open(end, &realm(), &made), None);
        keyring.rotate(end);
        assert!(keyring.keys.iter().all(|key| key.made_at_s > NOW_S), "it is erased");
    }

    #[test]
    fn the_rotation_goes_on_in_the_next_process() {
        let mut first = keyring(NOW_S);
        first.rotate(NOW_S + KEY_LIFETIME_S);
        let mut second = Keyring::decode(&first.encode()).unwrap();
        assert!(!second.is_due(NOW_S + 2 * KEY_LIFETIME_S - 1));
        assert!(second.is_due(NOW_S + 2 * KEY_LIFETIME_S), "as it would have been in the first");
        second.rotate(NOW_S + 100 * KEY_LIFETIME_S);
        assert_eq!(second.keys.len(), 1, "what is long over is gone");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_make_a_key_last() {
        let mut keyring = keyring(NOW_S + 1000 * KEY_LIFETIME_S);
        keyring.rotate(NOW_S);
        assert!(!keyring.is_due(NOW_S));
        assert!(keyring.is_due(NOW_S + KEY_LIFETIME_S));
    }

    #[test]
    fn what_another_version_wrote_or_what_is_cut_is_refused() {
        let good = keyring(NOW_S).encode();
        assert_eq!(good.len(), HEAD_BYTES + KEY_BYTES);
        for length_bytes in 0..good.len() {
            assert!(Keyring::decode(&good[..length_bytes]).is_err(), "{length_bytes}");
        }
        let longer = [&good[..], &[0]].concat();
        assert!(Keyring::decode(&longer).is_err());
        let mut other = good.clone();
        other[0] = 2;
        assert_eq!(Keyring::decode(&other).unwrap_err(), KeyringError::Encoding(2));
        let mut many = vec![ENCODING, 3];
        many.resize(HEAD_BYTES + 3 * KEY_BYTES, 0);
        assert!(Keyring::decode(&many).is_err(), "more keys than anybody has");
        assert!(Keyring::decode(&[ENCODING, 0]).unwrap().keys.is_empty());
    }

    #[test]
    fn secrets_are_not_printed() {
        let keyring = keyring(NOW_S);
        let secret = format!("{:?}", keyring.keys[0].secret.as_slice());
        assert!(!format!("{keyring:?}").contains(secret.trim_matches(['[', ']'])));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_as_a_ticket_is_refused(bytes: Vec<u8>) {
            let keyring = keyring(NOW_S);
            prop_assert_eq!(keyring.open(NOW_S, &realm(), &bytes), None);
            let named = [&keyring.keys[0].name[..], &bytes].concat();
            prop_assert_eq!(keyring.open(NOW_S, &realm(), &named), None);
        }

        #[test]
        fn a_ticket_that_was_touched_is_refused(at: prop::sample::Index, bit in 0..8_u8) {
            let keyring = keyring(NOW_S);
            let mut made = ticket(&keyring, NOW_S);
            let at = at.index(made.len());
            made[at] ^= 1 << bit;
            prop_assert_eq!(keyring.open(NOW_S, &realm(), &made), None);
        }

        #[test]
        fn whatever_comes_as_keys_does_no_harm(
            count in 0..=KEY_LIMIT,
            body in prop::collection::vec(any::<u8>(), KEY_LIMIT * KEY_BYTES),
        ) {
            let head = [ENCODING, u8::try_from(count).unwrap()];
            let mut keyring =
                Keyring::decode(&[&head, &body[..count * KEY_BYTES]].concat()).unwrap();
            keyring.rotate(NOW_S);
            prop_assert!(keyring.seal(NOW_S, &realm(), PLAIN).is_some());
            keyring.rotate(NOW_S + 2 * KEY_LIFETIME_S);
            prop_assert_eq!(keyring.keys.len(), 1, "whatever time they said, they end");
        }
    }
}
