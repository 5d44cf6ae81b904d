//! Words from one side for the other side's people: bounded, so that no error can flood a log.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{self, Encoder, Write};
use minicbor::{Decode, Encode};

/// The longest [`Text`], in bytes of UTF-8.
pub const TEXT_LIMIT_BYTES: usize = 1024;

/// A short text for people. What is longer than [`TEXT_LIMIT_BYTES`] is cut at a character. Its
/// clones are the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Text(Arc<str>);

impl Text {
    /// The text of anything that can be shown.
    #[must_use]
    pub fn of(shown: impl fmt::Display) -> Self {
        Self::from(shown.to_string())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Text {
    fn from(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary_at(TEXT_LIMIT_BYTES));
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text[..text.floor_char_boundary_at(TEXT_LIMIT_BYTES)].into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<C> Encode<C> for Text {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Text {
    fn decode(decoder: &mut Decoder<'b>, _context: &mut C) -> Result<Self, Error> {
        decoder.str().map(Self::from)
    }
}

/// `str::floor_char_boundary`, which is younger than the Rust version that this crate states.
trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, limit: usize) -> usize;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_at(&self, limit: usize) -> usize {
        let end = limit.min(self.len());
        (0..=end).rev().find(|&index| self.is_char_boundary(index)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_the_longest_whole_prefix_within_the_limit(text in ".{0,600}") {
            let bounded = Text::from(text.as_str());
            prop_assert!(bounded.as_str().len() <= TEXT_LIMIT_BYTES);
            prop_assert!(text.starts_with(bounded.as_str()));
            let missing = text.len() - bounded.as_str().len();
            prop_assert!(missing == 0 || bounded.as_str().len() > TEXT_LIMIT_BYTES - 4);
            prop_assert_eq!(Text::from(text), bounded);
        }
    }
}
