//! Where a session ticket is good.
//!
//! A resumption skips the certificates of both sides. So a ticket must not be good where the
//! server has another identity, or asks for client certificates that the client never showed;
//! rustls does not check that. Tickets are bound to a realm instead, which is part of what their
//! seal authenticates: they open in the same realm only, whichever listener or process that is.

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

/// A name for all that is equal for those who may resume each other's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Realm([u8; SHA256_OUTPUT_LEN]);

impl Realm {
    /// The servers of this certificate that ask for no client certificate. After a renewal the
    /// first handshake of each client is a full one.
    pub(crate) fn of_certificate(der: &[u8]) -> Self {
        Self::hash(b"certificate", der)
    }

    /// The servers that the program says have the same policy.
    pub(crate) fn of_policy(name: &str) -> Self {
        Self::hash(b"policy", name.as_bytes())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The kinds are told apart by the zero byte, which no kind has in its name.
    fn hash(kind: &[u8], of: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(kind);
        context.update(&[0]);
        context.update(of);
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_cannot_be_named_so_that_it_is_a_certificate() {
        assert_ne!(Realm::of_policy("x"), Realm::of_certificate(b"x"));
        assert_ne!(Realm::of_policy("x"), Realm::of_policy("y"));
    }
}
