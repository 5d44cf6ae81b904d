//! One request and its answer on an open connection. Owns what end of file and errors mean while a
//! request is under way; refuses to open connections and to count.

use std::io;

use tokio::io::Interest;
use tokio::time::Instant;

use crate::account::failure::{Fault, Phase};
use crate::http1::answer::AnswerDecoder;
use crate::http1::draft::Draft;
use crate::recognise::Answer;
use crate::stream::Stream;
use crate::wrong::WrongAnswer;

const INPUT_BYTES: usize = 16 * 1024;

/// The memory that one connection after another needs for one exchange after another.
#[derive(Debug)]
pub(crate) struct Exchange {
    decoder: AnswerDecoder,
    input: Box<[u8]>,
    phase: Phase,
}

/// A whole and right answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// Whether the connection may be used again, by the answer's own words.
    pub(crate) keeps: bool,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        let input = vec![0; INPUT_BYTES].into_boxed_slice();
        Self { decoder: AnswerDecoder::new(), input, phase: Phase::Idle }
    }

    /// How far the exchange has come: it stays where it was when it failed or was given up.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// The answer that came last, if it was whole.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        self.decoder.answer()
    }

    /// Sends the request and reads its answer. Both at once, so that a server which echoes while
    /// it still reads cannot make the two wait for each other.
    pub(crate) async fn run(&mut self, stream: &Stream, draft: &Draft) -> Result<Received, Fault> {
        self.decoder.begin();
        self.phase = Phase::Sending;
        let mut unsent = draft.bytes();
        loop {
            unsent = send(stream, unsent)?;
            if unsent.is_empty() && self.phase == Phase::Sending {
                self.phase = Phase::Awaiting;
            }
            let interest = match unsent {
                [] => Interest::READABLE,
                _ => Interest::READABLE | Interest::WRITABLE,
            };
            let ready = stream.ready(interest).await.map_err(|error| Fault::broken(&error))?;
            if ready.is_readable() && self.read(stream, draft.echo())? {
                let at = Instant::now();
                return match unsent {
                    [] => Ok(Received { at, keeps: self.decoder.keeps() }),
                    _ => Err(WrongAnswer::Early.into()),
                };
            }
        }
    }

    /// Reads what is there, and says whether the answer is whole.
    fn read(&mut self, stream: &Stream, echo: Option<&[u8]>) -> Result<bool, Fault> {
        match stream.try_read(&mut self.input) {
            Ok(0) => match self.decoder.end_of_file(echo)? {
                true => Ok(true),
                false => Err(Fault::LOST),
            },
            Ok(count) => {
                self.phase = Phase::Reading;
                Ok(self.decoder.feed(&self.input[..count], echo)?)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(Fault::broken(&error)),
        }
    }
}

/// Writes as much as the socket takes, and returns the rest.
fn send<'a>(stream: &Stream, mut unsent: &'a [u8]) -> Result<&'a [u8], Fault> {
    while !unsent.is_empty() {
        match stream.try_write(unsent) {
            Ok(count) => unsent = &unsent[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(Fault::broken(&error)),
        }
    }
    Ok(unsent)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;
    use crate::account::failure::{Cause, FailureKind};
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
        let (near, draft) = (Stream::Unix(near), draft(request));
        let mut exchange = Exchange::new();
        let (received, ()) = tokio::join!(exchange.run(&near, &draft), server(far));
        (received, exchange.phase())
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
        let received = Exchange::new().run(&Stream::Unix(near), &draft(&request)).await;
        assert_eq!(received.unwrap_err(), WrongAnswer::Early.into());
    }
}
