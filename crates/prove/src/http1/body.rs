//! The body of an answer, freed of its framing. Owns lengths and the chunked coding of RFC 9112
//! §7.1; refuses to judge the content.

use crate::http1::head::Framing;
use crate::wrong::WrongAnswer;

/// The longest line of the chunked coding: sizes with extensions, and trailer fields.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// More trailer lines than this are no trailer.
const MAX_TRAILER_LINES: usize = 128;

/// Finds the end of a body.
#[derive(Debug)]
pub(crate) enum BodyDecoder {
    Length { remaining: u64 },
    Chunked(Chunked),
    UntilClose,
}

impl BodyDecoder {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(remaining) => Self::Length { remaining },
            Framing::Chunked => {
                Self::Chunked(Chunked { at: At::Line(Line::Size), line: Vec::new() })
            }
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Gives the next piece of content to `sink`, and returns how many of `bytes` are used up: at
    /// least one, unless the body is whole or there are none.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        sink: impl FnOnce(&[u8]) -> Result<(), WrongAnswer>,
    ) -> Result<usize, WrongAnswer> {
        match self {
            Self::Length { remaining } => {
                let content = within(bytes, *remaining);
                *remaining -= content.len() as u64;
                sink(content)?;
                Ok(content.len())
            }
            Self::Chunked(chunked) => chunked.feed(bytes, sink),
            Self::UntilClose => {
                sink(bytes)?;
                Ok(bytes.len())
            }
        }
    }

    /// Whether the last byte of the body has come.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Length { remaining } => *remaining == 0,
            Self::Chunked(chunked) => matches!(chunked.at, At::End),
            Self::UntilClose => false,
        }
    }

    /// Whether an end of file here is the end of the body.
    pub(crate) fn ends_with_file(&self) -> bool {
        matches!(self, Self::UntilClose)
    }
}

/// The chunked coding: lines and data in turn.
///
/// ```text
///        ┌──────────────────────────────┐
///        ▼                              │
///  Line(Size) ──► Data ──► Line(DataEnd)┘
///        │ size 0
///        ▼
///  Line(Trailer) ──► … ──► End
/// ```
#[derive(Debug)]
pub(crate) struct Chunked {
    at: At,
    /// What has come of the line under way; kept from line to line for its memory.
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Line(Line),
    Data { remaining: u64 },
    End,
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Size,
    DataEnd,
    Trailer { lines: usize },
}

impl Chunked {
    fn feed(
        &mut self,
        bytes: &[u8],
        sink: impl FnOnce(&[u8]) -> Result<(), WrongAnswer>,
    ) -> Result<usize, WrongAnswer> {
        match self.at {
            At::End => Ok(0),
            At::Data { remaining } => {
                let content = within(bytes, remaining);
                let remaining = remaining - content.len() as u64;
                self.at = match remaining {
                    0 => At::Line(Line::DataEnd),
                    _ => At::Data { remaining },
                };
                sink(content)?;
                Ok(content.len())
            }
            At::Line(line) => {
                let end = bytes.iter().position(|byte| *byte == b'\n');
                let used = end.map_or(bytes.len(), |end| end + 1);
                self.line.extend_from_slice(&bytes[..used]);
                if self.line.len() > MAX_LINE_BYTES {
                    return Err(WrongAnswer::Chunk);
                }
                if end.is_some() {
                    self.at = self.after(line)?;
                    self.line.clear();
                }
                Ok(used)
            }
        }
    }

    /// Where a whole line leads.
    fn after(&self, line: Line) -> Result<At, WrongAnswer> {
        let is_empty = self.line == b"\r\n";
        match line {
            Line::DataEnd if is_empty => Ok(At::Line(Line::Size)),
            Line::DataEnd => Err(WrongAnswer::Chunk),
            // httparse takes a line without any digit for a size of 0.
            Line::Size if !self.line.first().is_some_and(u8::is_ascii_hexdigit) => {
                Err(WrongAnswer::Chunk)
            }
            Line::Size => match httparse::parse_chunk_size(&self.line) {
                Ok(httparse::Status::Complete((_, 0))) => Ok(At::Line(Line::Trailer { lines: 0 })),
                Ok(httparse::Status::Complete((_, remaining))) => Ok(At::Data { remaining }),
                Ok(httparse::Status::Partial) | Err(_) => Err(WrongAnswer::Chunk),
            },
            Line::Trailer { .. } if is_empty => Ok(At::End),
            Line::Trailer { lines } if lines < MAX_TRAILER_LINES && self.line.contains(&b':') => {
                Ok(At::Line(Line::Trailer { lines: lines + 1 }))
            }
            Line::Trailer { .. } => Err(WrongAnswer::Chunk),
        }
    }
}

/// The first of `bytes`, at most `remaining`.
fn within(bytes: &[u8], remaining: u64) -> &[u8] {
    let count = usize::try_from(remaining).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[..count]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `wire` in pieces of `piece` bytes: content, bytes used up, and whether it is whole.
    fn decode(
        framing: Framing,
        wire: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, usize, bool), WrongAnswer> {
        let mut decoder = BodyDecoder::new(framing);
        let (mut content, mut used) = (Vec::new(), 0);
        while used < wire.len() && !decoder.is_whole() {
            let end = (used + piece).min(wire.len());
            used += decoder.feed(&wire[used..end], |bytes| {
                content.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        Ok((content, used, decoder.is_whole()))
    }

    #[test]
    fn a_length_ends_where_it_says() {
        for piece in 1..8 {
            let decoded = decode(Framing::Length(5), b"hello more", piece).unwrap();
            assert_eq!(decoded, (b"hello".to_vec(), 5, true), "{piece}");
        }
        assert_eq!(decode(Framing::Length(5), b"hell", 9), Ok((b"hell".to_vec(), 4, false)));
        assert_eq!(decode(Framing::Length(0), b"x", 9), Ok((Vec::new(), 0, true)));
    }

    #[test]
    fn chunks_are_joined_however_they_are_cut() {
        let wire = b"5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0\r\nx-sum: 1\r\n\r\n";
        for piece in 1..=wire.len() {
            let mut followed = wire.to_vec();
            followed.extend_from_slice(b"extra");
            let decoded = decode(Framing::Chunked, &followed, piece).unwrap();
            assert_eq!(decoded, (b"hello world".to_vec(), wire.len(), true), "{piece}");
        }
    }

    #[test]
    fn chunks_are_not_whole_before_their_last_byte() {
        let wire = b"2\r\nab\r\n0\r\n\r\n";
        for end in 0..wire.len() {
            assert!(!decode(Framing::Chunked, &wire[..end], 99).unwrap().2, "{end}");
        }
    }

    #[test]
    fn broken_chunks_are_wrong() {
        let long = [b"1;".as_slice(), &[b'a'; MAX_LINE_BYTES]].concat();
        let trailers = ["0\r\n".to_owned(), "a: b\r\n".repeat(MAX_TRAILER_LINES + 1)].concat();
        for wire in [
            b"x\r\n".as_slice(),
            b"\r\n",
            b"-1\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"0\r\nno trailer\r\n",
            b"11111111111111111\r\n",
            &long,
            trailers.as_bytes(),
        ] {
            let text = String::from_utf8_lossy(wire);
            assert_eq!(decode(Framing::Chunked, wire, 7), Err(WrongAnswer::Chunk), "{text}");
        }
    }

    #[test]
    fn only_a_body_until_close_ends_with_the_file() {
        let decoded = decode(Framing::UntilClose, b"all of it", 4).unwrap();
        assert_eq!(decoded, (b"all of it".to_vec(), 9, false));
        assert!(BodyDecoder::new(Framing::UntilClose).ends_with_file());
        assert!(!BodyDecoder::new(Framing::Chunked).ends_with_file());
        assert!(!BodyDecoder::new(Framing::Length(1)).ends_with_file());
    }

    #[test]
    fn a_sink_that_refuses_is_heard() {
        let mut decoder = BodyDecoder::new(Framing::Length(1));
        let refused = decoder.feed(b"x", |_| Err(WrongAnswer::BodyTooLong));
        assert_eq!(refused, Err(WrongAnswer::BodyTooLong));
    }
}
