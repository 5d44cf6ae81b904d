//! The body of a request: counted or in chunks (RFC 9112 §6 and §7).

use httparse::Status;

use super::head::{FIELD_LIMIT, HEAD_LIMIT_BYTES};
use super::refusal::Refusal;

/// How large a body may be.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// How long the line before a chunk may be, with its extensions.
const SIZE_LINE_LIMIT_BYTES: usize = 1024;

/// How a body's end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Counted(usize),
    Chunked,
}

/// A body that is coming in.
#[derive(Debug)]
pub(super) struct Body {
    content: Vec<u8>,
    part: Part,
}

/// What comes next.
#[derive(Debug)]
enum Part {
    /// So many bytes, and that is all.
    Rest(usize),
    ChunkSize,
    Chunk(usize),
    /// The line end after a chunk.
    ChunkEnd,
    Trailers,
    Nothing,
}

impl Body {
    pub(super) fn new(length: Length) -> Self {
        let part = match length {
            Length::Counted(count) => Part::Rest(count),
            Length::Chunked => Part::ChunkSize,
        };
        Self { content: Vec::new(), part }
    }

    /// Takes in from the beginning of `bytes` what belongs to the body, and says how much it was.
    /// What is not taken is the next request's, or part of something that is not whole yet.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut taken = 0;
        while let Some(length) = self.take_part(&bytes[taken..])? {
            taken += length;
        }
        Ok(taken)
    }

    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.part, Part::Nothing)
    }

    pub(super) fn into_content(self) -> Vec<u8> {
        self.content
    }

    /// Takes one part, or as much of it as is there; none if it needs more bytes for a step.
    fn take_part(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        match self.part {
            Part::Rest(0) => {
                self.part = Part::Nothing;
                Ok(Some(0))
            }
            Part::Rest(left) => Ok(self.take_content(bytes, left).map(|(taken, left)| {
                self.part = Part::Rest(left);
                taken
            })),
            Part::ChunkSize => self.take_size(bytes),
            Part::Chunk(0) => {
                self.part = Part::ChunkEnd;
                Ok(Some(0))
            }
            Part::Chunk(left) => Ok(self.take_content(bytes, left).map(|(taken, left)| {
                self.part = Part::Chunk(left);
                taken
            })),
            Part::ChunkEnd => match bytes {
                [b'\r', b'\n', ..] => {
                    self.part = Part::ChunkSize;
                    Ok(Some(2))
                }
                [] | [b'\r'] => Ok(None),
                _ => Err(Refusal::MalformedChunk),
            },
            Part::Trailers => self.take_trailers(bytes),
            Part::Nothing => Ok(None),
        }
    }

    /// Takes up to `left` bytes of content: how many they were and how many are left.
    fn take_content(&mut self, bytes: &[u8], left: usize) -> Option<(usize, usize)> {
        let taken = left.min(bytes.len());
        self.content.extend_from_slice(&bytes[..taken]);
        (taken > 0).then_some((taken, left - taken))
    }

    fn take_size(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let (length, size) = match httparse::parse_chunk_size(bytes) {
            Ok(Status::Complete(found)) => found,
            Ok(Status::Partial) if bytes.len() < SIZE_LINE_LIMIT_BYTES => return Ok(None),
            Ok(Status::Partial) | Err(_) => return Err(Refusal::MalformedChunk),
        };
        if length > SIZE_LINE_LIMIT_BYTES {
            return Err(Refusal::MalformedChunk);
        }
        let room = BODY_LIMIT_BYTES - self.content.len();
        self.part = match usize::try_from(size) {
            Ok(0) => Part::Trailers,
            Ok(size) if size <= room => Part::Chunk(size),
            _ => return Err(Refusal::BodyTooLarge),
        };
        Ok(Some(length))
    }

    fn take_trailers(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
        match httparse::parse_headers(bytes, &mut fields) {
            Ok(Status::Complete((length, _))) if length <= HEAD_LIMIT_BYTES => {
                self.part = Part::Nothing;
                Ok(Some(length))
            }
            Ok(Status::Partial) if bytes.len() < HEAD_LIMIT_BYTES => Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Refusal::HeadTooLarge),
            Err(_) => Err(Refusal::MalformedChunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes `bytes` in one piece: the content if it is whole, and what is left over.
    fn read(length: Length, bytes: &[u8]) -> Result<(Option<Vec<u8>>, &[u8]), Refusal> {
        let mut body = Body::new(length);
        let taken = body.take(bytes)?;
        let content = body.is_whole().then(|| body.into_content());
        Ok((content, &bytes[taken..]))
    }

    #[test]
    fn a_counted_body_ends_where_it_should() {
        let (content, rest) = read(Length::Counted(3), b"abcGET").unwrap();
        assert_eq!((content.unwrap(), rest), (b"abc".to_vec(), &b"GET"[..]));
        assert_eq!(read(Length::Counted(3), b"ab").unwrap(), (None, &b""[..]));
        assert_eq!(read(Length::Counted(0), b"").unwrap().0, Some(vec![]));
    }

    #[test]
    fn chunks_are_joined_and_trailers_are_left_out() {
        let bytes = b"3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nDigest: z\r\n\r\nGET";
        let (content, rest) = read(Length::Chunked, bytes).unwrap();
        assert_eq!((content.unwrap(), rest), (b"abc0123456789".to_vec(), &b"GET"[..]));
        assert_eq!(read(Length::Chunked, b"0\r\n\r\n").unwrap().0, Some(vec![]));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let long_line = format!("1;{}", "x".repeat(SIZE_LINE_LIMIT_BYTES));
        let whole_long_line = format!("{long_line}\r\n");
        let long_trailer = format!("0\r\na: {}", "x".repeat(HEAD_LIMIT_BYTES));
        let huge = format!("{:x}\r\n", BODY_LIMIT_BYTES + 1);
        let cases: [(&str, Refusal); 8] = [
            ("g\r\n", Refusal::MalformedChunk),
            ("1\r\nabc", Refusal::MalformedChunk),
            ("0\r\n: a\r\n\r\n", Refusal::MalformedChunk),
            (&long_line, Refusal::MalformedChunk),
            (&whole_long_line, Refusal::MalformedChunk),
            (&long_trailer, Refusal::HeadTooLarge),
            (&huge, Refusal::BodyTooLarge),
            ("fffffffffffffffff\r\n", Refusal::MalformedChunk),
        ];
        for (bytes, refusal) in cases {
            assert_eq!(read(Length::Chunked, bytes.as_bytes()).unwrap_err(), refusal, "{bytes}");
        }
    }

    #[test]
    fn many_small_chunks_have_the_same_limit_as_a_large_one() {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut body = Body::new(Length::Chunked);
        for _ in 0..BODY_LIMIT_BYTES / 0x10000 {
            assert_eq!(body.take(chunk.as_bytes()).unwrap(), chunk.len());
        }
        assert_eq!(body.take(b"1\r\n").unwrap_err(), Refusal::BodyTooLarge);
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_however_it_comes_in(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            cuts in prop::collection::vec(1_usize..20, 1..8),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\nrest");
            let mut body = Body::new(Length::Chunked);
            let (mut buffer, mut cuts) = (Vec::new(), cuts.iter().cycle());
            while !wire.is_empty() {
                let cut = wire.len().min(*cuts.next().expect("it goes round"));
                buffer.extend(wire.drain(..cut));
                let taken = body.take(&buffer).unwrap();
                buffer.drain(..taken);
            }
            prop_assert!(body.is_whole());
            prop_assert_eq!(body.into_content(), chunks.concat());
            prop_assert_eq!(buffer, b"rest");
        }
    }
}
