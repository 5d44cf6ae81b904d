//! The head of a WebSocket's frame (RFC 6455 §5.2). Refuses to judge whether it is allowed.

/// The longest one: two bytes, eight of length, four of mask.
pub(super) const LONGEST_HEAD_BYTES: usize = 14;

/// What there is to know of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The length of the whole frame, head and mask included.
    pub(super) frame_bytes: u64,
    pub(super) piece: Piece,
}

/// Which piece of a message a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Last,
    NotLast,
    /// It is a control frame.
    None,
}

impl Head {
    /// The head that these bytes begin with, if they hold it whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (is_last, is_control) = (first & 0x80 != 0, first & 0x08 != 0);
        let (length_bytes, payload_bytes) = match second & 0x7f {
            126 => (2, bytes.get(2..4)?.try_into().map(u16::from_be_bytes).ok()?.into()),
            127 => (8, bytes.get(2..10)?.try_into().map(u64::from_be_bytes).ok()?),
            short => (0, short.into()),
        };
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        let head_bytes = 2 + length_bytes + mask_bytes;
        let piece = match (is_control, is_last) {
            (true, _) => Piece::None,
            (false, true) => Piece::Last,
            (false, false) => Piece::NotLast,
        };
        // A length beyond what may be (its highest bit is zero) only must not overflow here.
        let frame_bytes = payload_bytes.saturating_add(head_bytes as u64);
        (bytes.len() >= head_bytes).then_some(Self { frame_bytes, piece })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Option<(u64, Piece)> {
        Head::parse(bytes).map(|Head { frame_bytes, piece }| (frame_bytes, piece))
    }

    #[test]
    fn a_length_has_one_or_three_or_nine_bytes_and_a_mask_four_more() {
        assert_eq!(parse(&[0x81, 125]), Some((2 + 125, Piece::Last)));
        assert_eq!(parse(&[0x81, 0x80, 1, 2, 3, 4]), Some((6, Piece::Last)));
        assert_eq!(parse(&[0x81, 126, 1, 0]), Some((4 + 256, Piece::Last)));
        assert_eq!(parse(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Some((10 + 65_536, Piece::Last)));
        let longest = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
        assert_eq!(longest.len(), LONGEST_HEAD_BYTES);
        assert_eq!(parse(&longest), Some((u64::MAX, Piece::Last)));
        for length in 0..longest.len() {
            assert_eq!(parse(&longest[..length]), None);
        }
    }

    #[test]
    fn a_message_ends_with_its_last_piece_and_a_control_frame_is_none() {
        let pieces = [0x01, 0x02, 0x00, 0x80, 0x82, 0x88, 0x89, 0x8a]
            .map(|first| Head::parse(&[first, 0]).expect("it is whole").piece);
        let [text, binary, more, last, whole, close, ping, pong] = pieces;
        assert_eq!([text, binary, more], [Piece::NotLast; 3]);
        assert_eq!([last, whole], [Piece::Last; 2]);
        assert_eq!([close, ping, pong], [Piece::None; 3]);
    }
}
