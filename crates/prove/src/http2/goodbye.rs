//! Finds GOAWAY frames in what a server sends (RFC 9113 §6.8). Owns the counting of frames; refuses
//! to understand any other.

/// The length, type, flags and stream of a frame (§4.1).
const HEADER_BYTES: usize = 9;
/// The last stream and the error code.
const GOAWAY_BYTES: usize = 8;
const GOAWAY: u8 = 7;

/// Follows the frames of one connection, in whatever pieces they come.
#[derive(Debug, Default)]
pub(crate) struct GoodbyeFinder {
    /// The start of the frame under way: its header, and its content if it is a GOAWAY.
    start: Vec<u8>,
    /// How many bytes of it are passed over.
    passed_over_bytes: usize,
}

/// A server's goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Goodbye {
    /// Streams with a higher number were not processed, and will not be.
    pub(crate) last_stream: u32,
}

impl GoodbyeFinder {
    /// The last goodbye in these bytes, which follow those before.
    pub(crate) fn find(&mut self, mut bytes: &[u8]) -> Option<Goodbye> {
        let mut found = None;
        while !bytes.is_empty() {
            let passed_over = bytes.len().min(self.passed_over_bytes);
            self.passed_over_bytes -= passed_over;
            bytes = &bytes[passed_over..];
            let wanted = self.wanted_bytes().saturating_sub(self.start.len());
            let taken = bytes.len().min(wanted);
            self.start.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.start.len() >= HEADER_BYTES && self.start.len() == self.wanted_bytes() {
                found = self.end().or(found);
            }
        }
        found
    }

    /// How many bytes of the frame under way are looked at, as far as that is known.
    fn wanted_bytes(&self) -> usize {
        match self.start.get(3) {
            Some(&GOAWAY) => HEADER_BYTES + GOAWAY_BYTES,
            Some(_) | None => HEADER_BYTES,
        }
    }

    /// All that is looked at is there: the rest is passed over.
    fn end(&mut self) -> Option<Goodbye> {
        let length = u32::from_be_bytes([0, self.start[0], self.start[1], self.start[2]]) as usize;
        let content = &self.start[HEADER_BYTES..];
        self.passed_over_bytes = length.saturating_sub(content.len());
        let last = content.first_chunk::<4>().map(|last| u32::from_be_bytes(*last));
        self.start.clear();
        // The highest bit is reserved.
        last.map(|last| Goodbye { last_stream: last & (u32::MAX >> 1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = (content.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, 0, 0, 0, 0, 1]);
        frame.extend_from_slice(content);
        frame
    }

    fn goaway(last_stream: u32, debug: &[u8]) -> Vec<u8> {
        frame(GOAWAY, &[&last_stream.to_be_bytes(), &[0; 4][..], debug].concat())
    }

    #[test]
    fn a_goodbye_is_found_among_all_frames_in_whatever_pieces() {
        let wire = [
            frame(4, &[]),
            frame(0, &[GOAWAY; 300]),
            goaway(1 << 31 | 5, b"be gone"),
            frame(1, &[GOAWAY; 10]),
        ]
        .concat();
        for piece in 1..wire.len() {
            let mut finder = GoodbyeFinder::default();
            let found: Vec<_> = wire.chunks(piece).filter_map(|bytes| finder.find(bytes)).collect();
            assert_eq!(found, [Goodbye { last_stream: 5 }], "in pieces of {piece}");
        }
    }

    #[test]
    fn the_last_of_several_counts() {
        let wire = [goaway(u32::MAX >> 1, b""), frame(6, &[0; 8]), goaway(7, b"x")].concat();
        assert_eq!(GoodbyeFinder::default().find(&wire), Some(Goodbye { last_stream: 7 }));
        assert_eq!(GoodbyeFinder::default().find(&frame(6, &[GOAWAY; 8])), None);
    }
}
