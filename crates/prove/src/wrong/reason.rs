//! A short text that others gave as their reason, kept where it costs no memory of its own.

use std::fmt;

/// How many bytes are kept: a word or a few.
const MOST_BYTES: usize = 48;

/// A reason in the words of the library that gave it, of which the first 48 bytes are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    bytes: [u8; MOST_BYTES],
    length_bytes: usize,
}

impl Reason {
    pub(crate) fn new(text: &str) -> Self {
        let ends = text.char_indices().map(|(place, it)| place + it.len_utf8());
        let length_bytes = ends.take_while(|end| *end <= MOST_BYTES).last().unwrap_or_default();
        let mut bytes = [0; MOST_BYTES];
        bytes[..length_bytes].copy_from_slice(&text.as_bytes()[..length_bytes]);
        Self { bytes, length_bytes }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.bytes[..self.length_bytes]))
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_two_characters() {
        assert_eq!(Reason::new("CaUsedAsEndEntity").to_string(), "CaUsedAsEndEntity");
        let long = format!("{}é", "x".repeat(47));
        assert_eq!(Reason::new(&long).to_string(), "x".repeat(47));
    }
}
