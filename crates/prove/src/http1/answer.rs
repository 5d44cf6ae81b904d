//! One answer, from its bytes. Owns the order of head, body and end, and what the body must be;
//! refuses to read from a socket.

use crate::content::Content;
use crate::http1::body::BodyDecoder;
use crate::http1::head::Head;
use crate::recognise::Answer;
use crate::wrong::WrongAnswer;

const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Takes in an answer piece by piece. Used for one answer after another, for its memory.
#[derive(Debug)]
pub(crate) struct AnswerDecoder {
    state: State,
    /// The bytes of the head, as far as they have come.
    head: Vec<u8>,
    body: Content,
}

/// `Head ──► Body ──► Whole`; interim (1xx) heads lead back to `Head`.
#[derive(Debug)]
enum State {
    Head,
    Body { head: Head, decoder: BodyDecoder },
    Whole { head: Head },
}

impl AnswerDecoder {
    pub(crate) fn new() -> Self {
        Self { state: State::Head, head: Vec::new(), body: Content::default() }
    }

    /// Forgets the answer before.
    pub(crate) fn begin(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.body.begin();
    }

    /// Takes bytes in, and says whether the answer is whole now. `echo` is what the body must be.
    pub(crate) fn feed(&mut self, bytes: &[u8], echo: Option<&[u8]>) -> Result<bool, WrongAnswer> {
        let mut rest = bytes;
        loop {
            match &mut self.state {
                State::Head => {
                    let Some((head, used)) = self.take_head(rest)? else {
                        return Ok(false);
                    };
                    rest = &rest[used..];
                    if !head.is_interim() {
                        let decoder = BodyDecoder::new(head.framing);
                        self.state = State::Body { head, decoder };
                    }
                }
                State::Body { head, decoder } if decoder.is_whole() => {
                    self.body.check_length(echo)?;
                    self.state = State::Whole { head: *head };
                }
                State::Body { .. } if rest.is_empty() => return Ok(false),
                State::Body { decoder, .. } => {
                    let used = decoder.feed(rest, |content| self.body.add(content, echo))?;
                    rest = &rest[used..];
                }
                State::Whole { .. } if rest.is_empty() => return Ok(true),
                State::Whole { .. } => {
                    return Err(WrongAnswer::ExtraBytes { count_bytes: rest.len() });
                }
            }
        }
    }

    /// The file ended; says whether the answer is whole by that.
    pub(crate) fn end_of_file(&mut self, echo: Option<&[u8]>) -> Result<bool, WrongAnswer> {
        match &self.state {
            State::Body { head, decoder } if decoder.ends_with_file() => {
                self.body.check_length(echo)?;
                self.state = State::Whole { head: *head };
                Ok(true)
            }
            State::Head | State::Body { .. } => Ok(false),
            State::Whole { .. } => Ok(true),
        }
    }

    /// Whether the connection may be used again, by the answer's own words.
    pub(crate) fn keeps(&self) -> bool {
        matches!(self.state, State::Whole { head } if head.keeps)
    }

    /// The answer, once it is whole.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        match self.state {
            State::Whole { head } => Some(Answer::new(&self.head, head.status, self.body.shown())),
            State::Head | State::Body { .. } => None,
        }
    }

    /// The head and how many of `bytes` belong to it, once it is whole.
    fn take_head(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>, WrongAnswer> {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let Some((head, length)) = Head::parse(&self.head)? else {
            let is_too_long = self.head.len() > MAX_HEAD_BYTES;
            return if is_too_long { Err(WrongAnswer::HeadTooLong) } else { Ok(None) };
        };
        if length > MAX_HEAD_BYTES {
            return Err(WrongAnswer::HeadTooLong);
        }
        if head.is_interim() {
            self.head.clear();
        } else if head.is_success() {
            self.head.truncate(length);
        } else {
            return Err(WrongAnswer::Status { status: head.status });
        }
        Ok(Some((head, length - before)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::MAX_BODY_BYTES;
    use crate::recognise::BODY_SHOWN_BYTES;

    /// Feeds `wire` in pieces of `piece` bytes and says when it was whole.
    fn feed(
        decoder: &mut AnswerDecoder,
        wire: &[u8],
        piece: usize,
        echo: Option<&[u8]>,
    ) -> Result<bool, WrongAnswer> {
        decoder.begin();
        let mut is_whole = false;
        for bytes in wire.chunks(piece) {
            is_whole = decoder.feed(bytes, echo)?;
        }
        Ok(is_whole)
    }

    fn verdict(wire: &str, echo: Option<&str>) -> Result<bool, WrongAnswer> {
        let echo = echo.map(str::as_bytes);
        let whole = feed(&mut AnswerDecoder::new(), wire.as_bytes(), wire.len(), echo);
        for piece in [1, 2, 7] {
            let pieces = feed(&mut AnswerDecoder::new(), wire.as_bytes(), piece, echo);
            assert_eq!(pieces.is_err(), whole.is_err(), "in pieces of {piece}");
        }
        whole
    }

    #[test]
    fn one_decoder_takes_answer_after_answer() {
        let mut decoder = AnswerDecoder::new();
        let first = b"HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 3\r\n\r\none";
        let second = b"HTTP/1.1 201 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n";
        for piece in 1..60 {
            assert_eq!(feed(&mut decoder, first, piece, None), Ok(true));
            let answer = decoder.answer().unwrap();
            assert_eq!((answer.body(), answer.header("x-a")), (&b"one"[..], Some(&b"1"[..])));
            assert_eq!(feed(&mut decoder, second, piece, Some(b"b")), Ok(true));
            let answer = decoder.answer().unwrap();
            assert_eq!((answer.status(), answer.header("x-a")), (201, None));
            assert!(decoder.keeps());
        }
    }

    #[test]
    fn no_answer_is_whole_before_its_last_byte() {
        let wire = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
        for end in 0..wire.len() {
            let mut decoder = AnswerDecoder::new();
            assert_eq!(decoder.feed(&wire[..end], None), Ok(false));
            assert!(decoder.answer().is_none());
            assert_eq!(decoder.end_of_file(None), Ok(false), "{end}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let wire = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\
                    HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na";
        assert_eq!(verdict(wire, Some("a")), Ok(true));
        assert_eq!(verdict("HTTP/1.1 100 Continue\r\n\r\n", None), Ok(false));
    }

    #[test]
    fn a_status_other_than_success_is_wrong() {
        for status in [101, 199, 301, 404, 500, 503] {
            let wire = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
            let expected =
                if status == 199 { Ok(false) } else { Err(WrongAnswer::Status { status }) };
            assert_eq!(verdict(&wire, None), expected);
        }
    }

    #[test]
    fn an_echo_is_compared_byte_for_byte() {
        let answer =
            |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let echo = Some("hello");
        assert_eq!(verdict(&answer("hello"), echo), Ok(true));
        assert_eq!(verdict(&answer("helLo"), echo), Err(WrongAnswer::Echo { offset: 3 }));
        assert_eq!(verdict(&answer("hello!"), echo), Err(WrongAnswer::Echo { offset: 5 }));
        let short = WrongAnswer::EchoTooShort { length_bytes: 4 };
        assert_eq!(verdict(&answer("hell"), echo), Err(short));
        assert_eq!(verdict(&answer(""), Some("")), Ok(true));
        assert_eq!(verdict(&answer("x"), Some("")), Err(WrongAnswer::Echo { offset: 0 }));
    }

    #[test]
    fn what_follows_an_answer_is_wrong() {
        let wire = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc";
        assert_eq!(verdict(wire, None), Err(WrongAnswer::ExtraBytes { count_bytes: 2 }));
    }

    #[test]
    fn the_end_of_file_ends_what_has_no_other_end() {
        let mut decoder = AnswerDecoder::new();
        let wire = b"HTTP/1.1 200 OK\r\n\r\nuntil the end";
        assert_eq!(feed(&mut decoder, wire, 5, None), Ok(false));
        assert_eq!(decoder.end_of_file(None), Ok(true));
        assert_eq!(decoder.answer().unwrap().body(), b"until the end");
        assert!(!decoder.keeps());
        assert_eq!(feed(&mut decoder, wire, 5, Some(b"until the end!")), Ok(false));
        let short = WrongAnswer::EchoTooShort { length_bytes: 13 };
        assert_eq!(decoder.end_of_file(Some(b"until the end!")), Err(short));
    }

    #[test]
    fn heads_and_bodies_are_bounded() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(MAX_HEAD_BYTES));
        let mut decoder = AnswerDecoder::new();
        assert_eq!(
            feed(&mut decoder, endless.as_bytes(), 4096, None),
            Err(WrongAnswer::HeadTooLong)
        );
        let long = format!("{endless}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(
            feed(&mut decoder, long.as_bytes(), long.len(), None),
            Err(WrongAnswer::HeadTooLong)
        );
        decoder.begin();
        decoder.feed(b"HTTP/1.1 200 OK\r\n\r\n", None).unwrap();
        let block = vec![0; 1024 * 1024];
        for _ in 0..MAX_BODY_BYTES / block.len() as u64 {
            assert_eq!(decoder.feed(&block, None), Ok(false));
        }
        assert_eq!(decoder.feed(b"x", None), Err(WrongAnswer::BodyTooLong));
        assert_eq!(decoder.body.shown().len(), BODY_SHOWN_BYTES);
    }
}
