//! A WebSocket's stream, given to a WebSocket library one frame at a time, so that it can be taken
//! back between two messages.
//!
//! A library reads ahead: part of the next frame may be in its buffer when a message is out, and
//! few give it back. Under this adapter none has anything to read ahead. What a frame says, and
//! whether it may say it, is the library's to judge: of a frame only the head is looked at
//! (RFC 6455 §5.2), and only for where the frame ends and whether its message does.

mod head;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::head::{Head, LONGEST_HEAD_BYTES, Piece};

/// A stream that a WebSocket library reads one frame at a time: no read goes beyond the end of a
/// frame, and a frame is begun only once its head is whole.
///
/// So a library that parses what it reads before it reads on, as all do, holds nothing of the
/// stream when [`is_between_messages`](Self::is_between_messages) says so and it waits for more.
/// Flush the library then, take this out of it, and [`into_parts`](Self::into_parts) gives what
/// the next process needs to go on: the stream, and the few bytes that were read ahead.
///
/// Writes pass through. No extension may be in use that remembers earlier messages, such as
/// `permessage-deflate` with context takeover: the library's memory does not go along.
#[derive(Debug)]
pub struct WholeFrames<S> {
    stream: S,
    /// Was read and not given yet: no more than a head, once what came with the stream is given.
    ahead: BytesMut,
    place: Place,
    message: Message,
}

/// Where in the stream the library is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the end of a frame, or at the beginning.
    BetweenFrames,
    /// In a frame, of which so much is to be given yet.
    InFrame { left_bytes: u64 },
    /// The stream has ended, if need be in the middle of a head.
    Ended,
}

/// Whether a message is in pieces, of which more are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Whole,
    Fragmented,
}

impl<S> WholeFrames<S> {
    /// The frames of a stream.
    pub fn new(stream: S) -> Self {
        Self::with_bytes(stream, Bytes::new())
    }

    /// The frames of a stream of which `bytes` were read already.
    pub fn with_bytes(stream: S, bytes: Bytes) -> Self {
        let (place, message) = (Place::BetweenFrames, Message::Whole);
        Self { stream, ahead: bytes.into(), place, message }
    }

    /// Whether all that the library was given are whole messages. Pings, pongs and closes may come
    /// between the pieces of a message, and are none.
    ///
    /// The library has given out what it was given once it waits for more, and holds nothing then.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        match (self.place, self.message) {
            (Place::BetweenFrames, Message::Whole) => true,
            (Place::BetweenFrames, Message::Fragmented)
            | (Place::InFrame { .. } | Place::Ended, _) => false,
        }
    }

    /// The stream below.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream, and what was read of it and not given to the library: to be read first.
    #[must_use]
    pub fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.ahead.freeze())
    }

    /// Begins the next frame, if its head is whole.
    fn begin_frame(&mut self) -> bool {
        let Some(head) = Head::parse(&self.ahead) else {
            return false;
        };
        self.place = Place::InFrame { left_bytes: head.frame_bytes };
        match head.piece {
            Piece::Last => self.message = Message::Whole,
            Piece::NotLast => self.message = Message::Fragmented,
            Piece::None => {}
        }
        true
    }

    /// So many more bytes of the frame are the library's.
    fn given(&mut self, count: usize) {
        self.place = match self.place {
            Place::InFrame { left_bytes } => match left_bytes.saturating_sub(count as u64) {
                0 => Place::BetweenFrames,
                left_bytes => Place::InFrame { left_bytes },
            },
            place @ (Place::BetweenFrames | Place::Ended) => place,
        };
    }

    /// Gives what was read ahead, up to `most` bytes of it.
    fn give_ahead(&mut self, most: u64, buffer: &mut ReadBuf<'_>) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let count = self.ahead.len().min(buffer.remaining()).min(most);
        buffer.put_slice(&self.ahead[..count]);
        self.ahead.advance(count);
        self.given(count);
    }
}

impl<S: AsyncRead + Unpin> WholeFrames<S> {
    /// Reads up to a head's length ahead: some of the next frame, and if it is a short one of
    /// those after it. Zero is the stream's end.
    fn poll_read_ahead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0; LONGEST_HEAD_BYTES];
        let room = LONGEST_HEAD_BYTES.saturating_sub(self.ahead.len());
        let mut buffer = ReadBuf::new(&mut space[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.ahead.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Gives a part of the frame straight from the stream.
    fn poll_read_frame(
        &mut self,
        context: &mut Context<'_>,
        left_bytes: u64,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = usize::try_from(left_bytes).unwrap_or(usize::MAX).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let count = part.filled().len();
        buffer.advance(count);
        if count == 0 {
            self.place = Place::Ended;
        }
        self.given(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WholeFrames<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match self.place {
                Place::BetweenFrames => {
                    if !self.begin_frame() && ready!(self.poll_read_ahead(context))? == 0 {
                        self.place = Place::Ended;
                    }
                }
                Place::InFrame { left_bytes } if self.ahead.is_empty() => {
                    return self.poll_read_frame(context, left_bytes, buffer);
                }
                Place::InFrame { left_bytes } => {
                    self.give_ahead(left_bytes, buffer);
                    return Poll::Ready(Ok(()));
                }
                // Half a head is the library's to complain about. After it, nothing is the end.
                Place::Ended => {
                    self.give_ahead(u64::MAX, buffer);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WholeFrames<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const CONTINUATION: u8 = 0x0;
    const TEXT: u8 = 0x1;
    const PING: u8 = 0x9;
    const FINAL: u8 = 0x80;

    /// A stream that arrives in parts.
    #[derive(Debug, Default)]
    struct Parts {
        parts: VecDeque<Vec<u8>>,
        read: usize,
    }

    impl Parts {
        fn new(bytes: &[u8], lengths: &[usize]) -> Self {
            let (mut rest, mut parts) = (bytes, VecDeque::new());
            for &length in lengths {
                let (part, after) = rest.split_at(length.min(rest.len()));
                parts.push_back(part.to_vec());
                rest = after;
            }
            parts.push_back(rest.to_vec());
            Self { parts, read: 0 }
        }
    }

    impl AsyncRead for Parts {
        /// What has not arrived is waited for: once, at the end of each part.
        fn poll_read(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(part) = self.parts.front_mut() else { return Poll::Ready(Ok(())) };
            if part.is_empty() {
                self.parts.pop_front();
                return Poll::Pending;
            }
            let count = part.len().min(buffer.remaining());
            buffer.put_slice(&part.drain(..count).collect::<Vec<_>>());
            self.read += count;
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Debug, Clone)]
    struct Frame {
        first: u8,
        payload: Vec<u8>,
        masked: bool,
        /// Not the shortest way to say the length: not allowed, but no reason to lose the place.
        long: bool,
    }

    impl Frame {
        fn head(&self) -> Vec<u8> {
            let mask = if self.masked { 0x80 } else { 0 };
            let length = self.payload.len();
            let mut head = vec![self.first];
            match (u8::try_from(length), u16::try_from(length)) {
                (Ok(short @ ..=125), _) if !self.long => head.push(mask | short),
                (_, Ok(medium)) if !self.long => {
                    head.push(mask | 126);
                    head.extend(medium.to_be_bytes());
                }
                _ => {
                    head.push(mask | 127);
                    head.extend((length as u64).to_be_bytes());
                }
            }
            if self.masked {
                head.extend([1, 2, 3, 4]);
            }
            head
        }

        fn bytes(&self) -> Vec<u8> {
            [self.head(), self.payload.clone()].concat()
        }
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let first = prop::sample::select(vec![
            TEXT,
            FINAL | TEXT,
            CONTINUATION,
            FINAL | CONTINUATION,
            FINAL | PING,
        ]);
        let length = prop_oneof![6 => 0..8_usize, 3 => 120..130_usize, 1 => 65_530..65_540_usize];
        (first, length, any::<bool>(), any::<bool>()).prop_map(|(first, length, masked, long)| {
            Frame { first, payload: vec![0xff; length], masked, long }
        })
    }

    /// What is true at the end of some frames: where it is, where the next head ends, and whether
    /// a message ends there.
    fn ends(frames: &[Frame]) -> Vec<(usize, usize, bool)> {
        let (mut at, mut whole) = (0, true);
        let mut ends = Vec::new();
        for frame in frames {
            ends.push((at, at + frame.head().len(), whole));
            at += frame.bytes().len();
            whole = if frame.first & 0x8 == 0 { frame.first & FINAL != 0 } else { whole };
        }
        ends.push((at, at, whole));
        ends
    }

    fn read(frames: &mut WholeFrames<Parts>, space: usize) -> Poll<Vec<u8>> {
        let mut space = vec![0; space];
        let mut buffer = ReadBuf::new(&mut space);
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(frames).poll_read(&mut context, &mut buffer);
        polled.map(|read| {
            read.unwrap();
            buffer.filled().to_vec()
        })
    }

    proptest! {
        #[test]
        fn each_read_is_in_one_frame_and_nothing_is_held_between_two_messages(
            frames in vec(frame(), 0..6),
            early in 0..40_usize,
            lengths in vec(prop_oneof![1..16_usize, 1..70_000_usize], 0..12),
            space in prop_oneof![1..20_usize, Just(100_000)],
            apart in any::<bool>(),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
            let ends = ends(&frames);
            let early = early.min(bytes.len());
            let came = Bytes::copy_from_slice(&bytes[..early]);
            let parts = Parts::new(&bytes[early..], &lengths);
            let mut whole_frames = WholeFrames::with_bytes(parts, came);
            let mut given = 0;
            loop {
                let read = read(&mut whole_frames, space);
                let before = given;
                given += match &read {
                    Poll::Ready(read) => read.len(),
                    Poll::Pending => 0,
                };
                let ahead = &whole_frames.ahead;
                let came = early + whole_frames.stream.read;
                prop_assert_eq!(&ahead[..], &bytes[given..came]);
                prop_assert!(ahead.len() <= LONGEST_HEAD_BYTES.max(early.saturating_sub(given)));
                if read == Poll::Ready(Vec::new()) {
                    break;
                }
                if let Poll::Ready(read) = &read {
                    prop_assert_eq!(&read[..], &bytes[before..given]);
                    let crossed = ends.iter().find(|&&(at, ..)| before < at && at < given);
                    prop_assert_eq!(crossed, None);
                }
                let end = ends.iter().find(|&&(at, ..)| at == given);
                let between = end.is_some_and(|&(_, _, whole)| whole);
                prop_assert_eq!(whole_frames.is_between_messages(), between);
                if read.is_pending() && space >= LONGEST_HEAD_BYTES {
                    let in_head = ends.iter().find(|&&(at, head, _)| at < given && given < head);
                    prop_assert_eq!(in_head, None);
                }
                if apart && between {
                    let (stream, ahead) = whole_frames.into_parts();
                    whole_frames = WholeFrames::with_bytes(stream, ahead);
                }
            }
            prop_assert_eq!(given, bytes.len());
        }
    }

    fn end_of(bytes: &[u8]) -> (Vec<Vec<u8>>, WholeFrames<Parts>) {
        let mut frames = WholeFrames::new(Parts::new(bytes, &[]));
        let mut reads = Vec::new();
        loop {
            match read(&mut frames, 100) {
                Poll::Ready(read) if read.is_empty() => return (reads, frames),
                Poll::Ready(read) => reads.push(read),
                Poll::Pending => {}
            }
        }
    }

    #[test]
    fn half_a_head_at_the_end_is_given_and_is_no_message() {
        let (reads, frames) = end_of(&[FINAL | TEXT, 1, b'a', FINAL | TEXT]);
        assert_eq!(reads, [vec![FINAL | TEXT, 1, b'a'], vec![FINAL | TEXT]]);
        assert!(!frames.is_between_messages());
    }

    #[test]
    fn half_a_payload_at_the_end_is_no_message() {
        let (reads, frames) = end_of(&[FINAL | TEXT, 3, b'a', b'b']);
        assert_eq!(reads.concat(), [FINAL | TEXT, 3, b'a', b'b']);
        assert!(!frames.is_between_messages());
    }

    #[test]
    fn a_length_that_no_frame_can_have_is_passed_on() {
        let mut bytes = vec![FINAL | TEXT, 127];
        bytes.extend([0xff; 8]);
        assert_eq!(end_of(&bytes).0.concat(), bytes);
    }

    #[test]
    fn what_is_read_ahead_is_less_than_the_shortest_frames_of_a_head_take() {
        let pings = [FINAL | PING, 0].repeat(20);
        let mut frames = WholeFrames::new(Parts::new(&pings, &[]));
        assert_eq!(read(&mut frames, 100), Poll::Ready(vec![FINAL | PING, 0]));
        assert!(frames.is_between_messages());
        assert_eq!(frames.get_ref().read, LONGEST_HEAD_BYTES);
        let (stream, ahead) = frames.into_parts();
        assert_eq!(ahead, pings[2..LONGEST_HEAD_BYTES]);
        assert_eq!(stream.read, LONGEST_HEAD_BYTES);
    }

    #[tokio::test]
    async fn writes_pass_through() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (near, mut far) = tokio::io::duplex(100);
        let mut frames = WholeFrames::new(near);
        frames.write_all(b"hello").await.unwrap();
        frames.shutdown().await.unwrap();
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
    }
}
