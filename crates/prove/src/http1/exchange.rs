//! One request and its answer on an open connection. Owns what end of file and errors mean while a
//! request is under way; refuses to open connections and to count.

use std::io;

use tokio::io::{Interest, Ready};
use tokio::time::{Instant, timeout_at};

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::flow::{Flow, Reading};
use crate::http1::answer::AnswerDecoder;
use crate::http1::draft::Draft;
use crate::received::Received;
use crate::recognise::Answer;
use crate::stream::Stream;
use crate::wrong::WrongAnswer;

const INPUT_BYTES: usize = 16 * 1024;

/// The memory that one connection after another needs for one exchange after another.
#[derive(Debug)]
pub(crate) struct Exchange {
    decoder: AnswerDecoder,
    input: Box<[u8]>,
    flow: Flow,
}

impl Exchange {
    pub(crate) fn new(flow: Flow) -> Self {
        let input = vec![0; INPUT_BYTES].into_boxed_slice();
        Self { decoder: AnswerDecoder::new(), input, flow }
    }

    /// The answer that came last, if it was whole.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        self.decoder.answer()
    }

    /// Sends the request and reads its answer. Both at once, so that a server which echoes while
    /// it still reads cannot make the two wait for each other.
    ///
    /// `phase` says how far it has come: it stays where it was when it fails or is given up.
    pub(crate) async fn run(
        &mut self,
        stream: &mut Stream,
        draft: &Draft,
        phase: &mut Phase,
    ) -> Result<Received, Fault> {
        self.decoder.begin();
        *phase = Phase::Sending;
        let mut reading = self.flow.reading();
        let mut sending = Sending::begin(draft, self.flow);
        loop {
            if let Err(fault) = sending.send(stream) {
                return Err(self.last_words(stream, draft.echo(), phase).unwrap_or(fault));
            }
            sending.note(stream, phase);
            let can_read = until_ready(stream, &sending, reading).await?;
            // With TLS, the rest may have gone while it waited.
            let is_sent = sending.note(stream, phase);
            if can_read && self.read(stream, draft.echo(), &mut reading, phase)? {
                let at = Instant::now();
                return match is_sent {
                    true => Ok(Received { at, keeps: self.decoder.keeps() }),
                    false => Err(WrongAnswer::Early.into()),
                };
            }
        }
    }

    /// Reads what is there, and says whether the answer is whole.
    fn read(
        &mut self,
        stream: &mut Stream,
        echo: Option<&[u8]>,
        reading: &mut Reading,
        phase: &mut Phase,
    ) -> Result<bool, Fault> {
        let room = reading.at_once(self.input.len());
        match stream.try_read(&mut self.input[..room]) {
            Ok(0) => match self.decoder.end_of_file(echo)? {
                true => Ok(true),
                false => Err(Fault::LOST),
            },
            Ok(count) => {
                *phase = Phase::Reading;
                reading.read(count, Instant::now);
                Ok(self.decoder.feed(&self.input[..count], echo)?)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(Fault::broken(&error)),
        }
    }

    /// What a server that takes no more has said before: such as a 503, which says more than the
    /// error of writing on.
    fn last_words(
        &mut self,
        stream: &mut Stream,
        echo: Option<&[u8]>,
        phase: &mut Phase,
    ) -> Option<Fault> {
        // Until an error: that nothing is there is one too.
        while let Ok(count @ 1..) = stream.read_now(&mut self.input) {
            *phase = Phase::Reading;
            match self.decoder.feed(&self.input[..count], echo) {
                Ok(false) => {}
                Ok(true) => return Some(WrongAnswer::Early.into()),
                Err(wrong) => return Some(wrong.into()),
            }
        }
        None
    }
}

/// Waits until something can go on, and says whether reading can.
async fn until_ready(
    stream: &mut Stream,
    sending: &Sending<'_>,
    reading: Reading,
) -> Result<bool, Fault> {
    let reads_at = reading.waits_until(Instant::now);
    let interest = match (reads_at, sending.is_blocked()) {
        (None, false) => Some(Interest::READABLE),
        (None, true) => Some(Interest::READABLE | Interest::WRITABLE),
        (Some(_), false) => None,
        (Some(_), true) => Some(Interest::WRITABLE),
    };
    let ready = async {
        match interest {
            Some(interest) => stream.ready(interest).await,
            None => std::future::pending().await,
        }
    };
    let ready = match reads_at.into_iter().chain(sending.goes_on_at()).min() {
        Some(at) => timeout_at(at, ready).await.unwrap_or(Ok(Ready::EMPTY)),
        None => ready.await,
    };
    Ok(ready.map_err(|error| Fault::broken(&error))?.is_readable())
}

/// A request on its way.
#[derive(Debug)]
struct Sending<'a> {
    bytes: &'a [u8],
    /// How many of them are the head, which goes at once.
    head_bytes: usize,
    sent_bytes: usize,
    /// How many may go, as of the last look.
    sendable_bytes: usize,
    flow: Flow,
    began: Instant,
}

impl<'a> Sending<'a> {
    fn begin(draft: &'a Draft, flow: Flow) -> Self {
        let bytes = draft.bytes();
        let head_bytes = bytes.len() - draft.echo().map_or(0, <[u8]>::len);
        let began = Instant::now();
        Self { bytes, head_bytes, sent_bytes: 0, sendable_bytes: 0, flow, began }
    }

    /// Writes as much as may go and as the socket takes.
    fn send(&mut self, stream: &mut Stream) -> Result<(), Fault> {
        if self.is_done() {
            return Ok(());
        }
        let body_bytes = self.bytes.len() - self.head_bytes;
        self.sendable_bytes =
            self.head_bytes + self.flow.sendable(body_bytes, self.began.elapsed());
        while self.is_blocked() {
            match stream.try_write(&self.bytes[self.sent_bytes..self.sendable_bytes]) {
                Ok(count) => self.sent_bytes += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Fault::broken(&error)),
            }
        }
        Ok(())
    }

    /// Says whether all of it is with the kernel, and notes it.
    fn note(&self, stream: &Stream, phase: &mut Phase) -> bool {
        let is_sent = self.is_done() && !stream.holds_unsent();
        if is_sent && *phase == Phase::Sending {
            *phase = Phase::Awaiting;
        }
        is_sent
    }

    fn is_done(&self) -> bool {
        self.sent_bytes == self.bytes.len()
    }

    /// Whether it waits for the socket.
    fn is_blocked(&self) -> bool {
        self.sent_bytes < self.sendable_bytes
    }

    /// When more may go, if it waits for that.
    fn goes_on_at(&self) -> Option<Instant> {
        let waits = !self.is_done() && !self.is_blocked();
        waits.then(|| self.flow.next_upload(self.began, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;
    use crate::account::cause::Cause;
    use crate::account::failure::FailureKind;
    use crate::endpoint::Endpoint;
    use crate::group::{Group, Mode};
    use crate::request::Request;
    use crate::target::Target;

    const SOUND: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    fn draft(request: &Request) -> Draft {
        let endpoint = Endpoint::from(Target::Unix("/x".into()));
        let mut draft = Draft::new(&Group::new(Mode::Keep, request.clone()), &endpoint, 0);
        draft.renew(&mut fastrand::Rng::with_seed(1));
        draft
    }

    /// Runs one exchange against a server that is this function of its end.
    async fn against<F: Future<Output = ()>>(
        request: &Request,
        server: impl FnOnce(UnixStream) -> F,
    ) -> (Result<Received, Fault>, Phase) {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut near, draft) = (Stream::from(near), draft(request));
        let (mut exchange, mut phase) = (Exchange::new(Flow::default()), Phase::Idle);
        let asking = exchange.run(&mut near, &draft, &mut phase);
        let (received, ()) = tokio::join!(asking, server(far));
        (received, phase)
    }

    #[tokio::test]
    async fn a_whole_answer_is_received() {
        let (received, _) = against(&Request::get("/"), async |mut far| {
            far.read_u8().await.unwrap();
            far.write_all(SOUND).await.unwrap();
        })
        .await;
        assert!(received.unwrap().keeps);
    }

    #[tokio::test]
    async fn end_of_file_is_a_loss_wherever_it_comes() {
        for sent in 0..SOUND.len() {
            let (received, phase) = against(&Request::get("/"), async |mut far| {
                // All is read: a Unix socket closed over unread bytes would be reset.
                far.read_exact(&mut vec![0; draft(&Request::get("/")).bytes().len()])
                    .await
                    .unwrap();
                far.write_all(&SOUND[..sent]).await.unwrap();
            })
            .await;
            assert_eq!(received.unwrap_err(), Fault::LOST);
            let expected = if sent == 0 { Phase::Awaiting } else { Phase::Reading };
            assert_eq!(phase, expected, "{sent}");
        }
    }

    #[tokio::test]
    async fn a_close_over_unread_bytes_is_a_reset() {
        let (received, _) = against(&Request::post("/", 1 << 20), async |mut far| {
            far.read_u8().await.unwrap();
        })
        .await;
        let fault = received.unwrap_err();
        assert_eq!(fault.kind, FailureKind::Reset);
        assert!(matches!(fault.cause, Cause::System { .. }), "{fault:?}");
    }

    #[tokio::test]
    async fn what_a_server_said_before_it_took_no_more_is_read() {
        let busy = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let half = &SOUND[..SOUND.len() - 1];
        let reset = Fault::broken(&rustix::io::Errno::PIPE.into());
        for (said, expected) in [
            (&busy[..], WrongAnswer::Status { status: 503 }.into()),
            (SOUND, WrongAnswer::Early.into()),
            (half, reset),
        ] {
            let (near, mut far) = UnixStream::pair().unwrap();
            far.write_all(said).await.unwrap();
            drop(far);
            let (mut near, mut phase) = (Stream::from(near), Phase::Idle);
            let mut exchange = Exchange::new(Flow::default());
            let received = exchange.run(&mut near, &draft(&Request::get("/")), &mut phase).await;
            assert_eq!((received.unwrap_err(), phase), (expected, Phase::Reading));
        }
    }

    #[tokio::test]
    async fn a_server_that_echoes_while_it_reads_is_no_deadlock() {
        // Far more than the buffers of both directions hold.
        let length = 8 << 20;
        let request = Request::post("/", length);
        let (received, _) = against(&request, async |mut far| {
            let head_bytes = draft(&Request::post("/", length)).bytes().len() - length;
            far.read_exact(&mut vec![0; head_bytes]).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            far.write_all(head.as_bytes()).await.unwrap();
            let mut block = vec![0; 4096];
            for _ in 0..length / block.len() {
                far.read_exact(&mut block).await.unwrap();
                far.write_all(&block).await.unwrap();
            }
        })
        .await;
        received.unwrap();
    }

    #[tokio::test]
    async fn an_answer_before_the_request_is_whole_is_wrong() {
        // More than a socket holds, and never read: the request cannot be sent whole.
        let request = Request::get(format!("/{}", "a".repeat(8 << 20)));
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(SOUND).await.unwrap();
        let (mut near, mut phase) = (Stream::from(near), Phase::Idle);
        let mut exchange = Exchange::new(Flow::default());
        let received = exchange.run(&mut near, &draft(&request), &mut phase).await;
        assert_eq!(received.unwrap_err(), WrongAnswer::Early.into());
    }
}
