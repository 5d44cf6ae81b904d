//! Numbered messages on a byte stream, each of which comes back. Owns where one ends and what an
//! end of file means; refuses to count.

use std::io;

use tokio::io::Interest;
use tokio::time::Instant;

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::group::Group;
use crate::message::Message;
use crate::received::Received;
use crate::stream::{Glance, Stream};

const INPUT_BYTES: usize = 16 * 1024;

/// A client of an echo, on one connection at a time.
#[derive(Debug)]
pub(crate) struct Echo {
    message: Message,
    input: Box<[u8]>,
    stream: Option<Stream>,
}

impl Echo {
    pub(crate) fn new(group: &Group, client: u64) -> Self {
        let message = Message::new(group.request.content_bytes(), client);
        let input = vec![0; INPUT_BYTES].into_boxed_slice();
        Self { message, input, stream: None }
    }

    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.message.renew(random);
    }

    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        let connected = connector.connect().await?;
        self.stream = Some(connected.stream);
        Ok(connected.local_port)
    }

    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        match &mut self.stream {
            Some(stream) => stream.greet(phase).await,
            None => Ok(()),
        }
    }

    /// Sends and reads at once: a long message comes back while it is still being sent.
    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        let Self { message, input, stream } = self;
        let stream = stream.as_mut().expect("it is connected before it asks");
        *phase = Phase::Sending;
        let length = message.bytes().len();
        let (mut sent, mut come) = (0, 0);
        loop {
            sent += match write(stream, &message.bytes()[sent..]) {
                Ok(count) => count,
                Err(fault) => {
                    // A wrong echo that came before says more than the error of writing on.
                    while let Ok(count @ 1..) = stream.read_now(input) {
                        *phase = Phase::Reading;
                        message.compare(&input[..count], come)?;
                        come += count;
                    }
                    return Err(fault);
                }
            };
            let is_sent = sent == length && !stream.holds_unsent();
            if is_sent && *phase == Phase::Sending {
                *phase = Phase::Awaiting;
            }
            let interest = match sent == length {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            let ready = stream.ready(interest).await.map_err(|error| Fault::broken(&error))?;
            if !ready.is_readable() {
                continue;
            }
            match stream.try_read(input) {
                Ok(0) => return Err(Fault::LOST),
                Ok(count) => {
                    *phase = Phase::Reading;
                    message.compare(&input[..count], come)?;
                    come += count;
                    if come == length {
                        return Ok(Received { at: Instant::now(), keeps: true });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(Fault::broken(&error)),
            }
        }
    }

    pub(crate) fn glance(&mut self) -> Glance {
        self.stream.as_mut().map_or(Glance::Quiet, Stream::glance)
    }

    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        match &mut self.stream {
            Some(stream) => stream.until_not_quiet().await,
            None => Glance::Quiet,
        }
    }

    /// Ends its side: an echo ends the other when it has sent all back.
    pub(crate) async fn close(&mut self) -> Glance {
        match &mut self.stream {
            // If it cannot be ended, reading says why.
            Some(stream) => {
                let _ = stream.end();
                stream.until_not_quiet().await
            }
            None => Glance::Quiet,
        }
    }

    pub(crate) fn leave(&mut self) {
        self.stream = None;
    }
}

/// Writes as much as the stream takes, and says how much that was.
fn write(stream: &mut Stream, bytes: &[u8]) -> Result<usize, Fault> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.try_write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(Fault::broken(&error)),
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;
    use crate::group::Mode;
    use crate::request::Request;
    use crate::wrong::WrongAnswer;

    #[tokio::test]
    async fn what_a_server_sent_before_it_took_no_more_is_read() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut client = Echo::new(&Group::new(Mode::Keep, Request::message("/", 20)), 1);
        client.renew(&mut fastrand::Rng::with_seed(1));
        client.stream = Some(near.into());
        far.write_all(&client.message.bytes()[..7]).await.unwrap();
        far.write_all(&[!client.message.bytes()[7]]).await.unwrap();
        drop(far);
        let mut phase = Phase::Idle;
        let received = client.exchange(&mut phase).await;
        assert_eq!(received.unwrap_err(), WrongAnswer::Echo { offset: 7 }.into());
        assert_eq!(phase, Phase::Reading);
    }
}
