//! A listener as the two sides speak of it: a name, a kind, an address in words.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{self, Encoder, Write};
use minicbor::{Decode, Encode};

use crate::text::Text;

/// The longest listener name, in bytes: the bound that `sd_listen_fds_with_names(3)` sets.
const NAME_LIMIT_BYTES: usize = 255;

/// The name of a listener: 1 to 255 printable ASCII characters without `:`, as in systemd's
/// `FileDescriptorName=`, so that every name can travel in `LISTEN_FDNAMES`. Its clones are the
/// same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerName(Arc<str>);

impl ListenerName {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ListenerName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > NAME_LIMIT_BYTES {
            return Err(NameError::TooLong { length_bytes: name.len() });
        }
        match name.chars().find(|&c| c == ':' || !(c == ' ' || c.is_ascii_graphic())) {
            Some(character) => Err(NameError::Character { name: name.to_owned(), character }),
            None => Ok(Self(name.into())),
        }
    }
}

impl fmt::Display for ListenerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<C> Encode<C> for ListenerName {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ListenerName {
    fn decode(decoder: &mut Decoder<'b>, _context: &mut C) -> Result<Self, Error> {
        let position = decoder.position();
        let name = decoder.str()?;
        name.parse().map_err(|error: NameError| Error::custom(error).at(position))
    }
}

/// Why a text is not a listener's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There are no characters in it.
    #[error("a listener's name is empty: give it 1 to {NAME_LIMIT_BYTES} characters")]
    Empty,
    /// It has too many.
    #[error("a listener's name has {length_bytes} bytes: {NAME_LIMIT_BYTES} is the most")]
    TooLong {
        /// How many it has.
        length_bytes: usize,
    },
    /// It has one that cannot travel.
    #[error("the listener name `{name}` has a {character:?}: use printable ASCII without `:`")]
    Character {
        /// The text.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
}

/// What kind of socket a listener is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SocketKind {
    /// TCP over IPv4 or IPv6.
    #[n(0)]
    Tcp,
    /// UDP over IPv4 or IPv6.
    #[n(1)]
    Udp,
    /// A Unix stream socket.
    #[n(2)]
    UnixStream,
    /// A Unix datagram socket.
    #[n(3)]
    UnixDatagram,
    /// A Unix socket of sequenced packets.
    #[n(4)]
    UnixSeqpacket,
    /// Any other descriptor: it is passed on by name and not looked into.
    #[n(5)]
    Other,
}

/// One listener in an offer. Its descriptor travels in the same frame, at the same position.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ListenerEntry {
    /// The name by which a program claims it.
    #[n(0)]
    pub name: ListenerName,
    /// What the descriptor has to be.
    #[n(1)]
    pub kind: SocketKind,
    /// The address that the program asked for, such as `127.0.0.1:0`.
    #[n(2)]
    pub requested: Text,
    /// The address that it is bound to, such as `127.0.0.1:40211`.
    #[n(3)]
    pub bound: Text,
    /// Whether a service manager lent it: then it is neither shut down nor unlinked by us.
    #[n(4)]
    pub lent: bool,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_that_can_travel_are_taken() {
        for name in ["http", "a", "x y", "rekindle.control", &"n".repeat(255)] {
            assert_eq!(name.parse::<ListenerName>().map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn names_that_cannot_are_refused_with_the_reason() {
        assert_eq!("".parse::<ListenerName>(), Err(NameError::Empty));
        let long = "n".repeat(256);
        assert_eq!(long.parse::<ListenerName>(), Err(NameError::TooLong { length_bytes: 256 }));
        for (name, character) in [("a:b", ':'), ("a\nb", '\n'), ("é", 'é'), ("\0", '\0')] {
            let expected = NameError::Character { name: name.to_owned(), character };
            assert_eq!(name.parse::<ListenerName>(), Err(expected));
        }
    }
}
